using FedLora.Client.Rounds;
using FedLora.Dashboard.Hosting;
using FedLora.Grains;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FedLora.Cli.Processes;

/// <summary>
/// Sends what a long-running command counts, calls and logs to an OpenTelemetry collector, where the environment names one; otherwise
/// nothing is sent.
/// </summary>
internal static class Telemetry
{
    /// <summary>OpenTelemetry's own variable; its others (headers, protocol, interval, ...) count too.</summary>
    internal const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // Kestrel's and gRPC's own, Orleans', and the runtime's.
    private static readonly string[] Meters =
        [CoordinatorInstruments.Meter, NodeInstruments.Meter, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
            "Microsoft.Orleans", "System.Runtime"];

    private static readonly string[] Sources = ["Microsoft.AspNetCore", "Grpc.Net.Client"];

    /// <summary>Adds the exporters if they are wanted.</summary>
    /// <param name="builder">The command's host.</param>
    /// <param name="service">What the program is called there; <c>OTEL_SERVICE_NAME</c> wins.</param>
    internal static void Add(IHostApplicationBuilder builder, string service)
    {
        if (Environment.GetEnvironmentVariable(EndpointVariable) is not { Length: > 0 })
            return;
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(service).AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics.AddMeter(Meters).AddMeterRoom().AddOtlpExporter())
            .WithTracing(traces => traces.AddSource(Sources).AddOtlpExporter())
            .WithLogging(logs => logs.AddOtlpExporter(), options => options.IncludeFormattedMessage = true);
    }
}
