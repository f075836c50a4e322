using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Client.Connection;
using FedLora.Federations.Files;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.Transfer;
using FedLora.Protocol.V1;
using FedLora.Training.Preparation;
using Spectre.Console;

namespace FedLora.Cli.Commands.Admin;

/// <summary><c>fedlora admin federation create -f FILE</c>.</summary>
internal static class FederationCreateCommand
{
    // Under privacy, sigma is calibrated for every node.
    private static readonly TimeSpan CreateLimit = TimeSpan.FromMinutes(2);

    public static Command Create()
    {
        var file = new Option<string>("--file", "-f") { Description = "YAML file with the federation's definition.", Required = true };
        var model = new Option<string?>("--model")
        {
            Description =
                "Your copy of the base model; default: base_model of the file. Its fingerprint and layout go to the coordinator, its "
                    + "weights do not.",
        };
        var start = new Option<bool>("--start") { Description = "Start it at once." };
        return new Command("create", "Create a federation.") { file, model, start }
            .Writes(typeof(FederationJson)).RunsAtCoordinator(async (parsed, output, connection, cancellationToken) =>
        {
            var definition = FederationFile.Load(parsed.GetValue(file)!);
            var folder = parsed.GetValue(model) ?? definition.ModelFolder
                ?? throw new UsageException("no base model is named",
                    $"Give --model DIR, or write base_model: DIR in {parsed.GetValue(file)}.");
            var prepared = FederationPreparation.Prepare(definition.Definition, folder, definition.PublicData, cancellationToken);
            foreach (var remark in prepared.Remarks)
                output.Remark(remark);
            var nodes = await connection.Admin.ListNodesAsync(new ListNodesRequest(), connection.Call(cancellationToken));
            if (nodes.Nodes.Count == 0 && string.Join(", ", prepared.Definition.PublicCounts.Keys) is { Length: > 0 } names)
                output.Remark($"No node is enrolled yet, so nobody can say whether the names in public_counts are right: {names}");
            var view = await CreateAsync(connection, prepared, cancellationToken);
            if (parsed.GetValue(start))
                view = await connection.Admin.StartFederationAsync(new FederationName { Name = view.Definition.Name },
                    connection.Call(cancellationToken));
            if (DeltaRemark.For(view) is { } delta)
                output.Remark(delta);
            output.Result(FederationJson.From(view), console =>
            {
                console.WriteLine(FederationTables.Headline(view));
                if (view.Privacy.Count > 0)
                    console.Write(FederationTables.Privacy(view));
                if (!parsed.GetValue(start))
                    output.Remark($"start it with: fedlora admin federation start {view.Definition.Name}");
            });
        });
    }

    /// <summary>Uploads the initial adapter and creates the federation.</summary>
    internal static async Task<FederationView> CreateAsync(CoordinatorConnection connection, FederationPreparation prepared,
        CancellationToken cancellationToken)
    {
        using var upload = connection.Admin.PutBlob(connection.Options(cancellationToken));
        using var bytes = new MemoryStream(prepared.InitialAdapter.ToBytes(), writable: false);
        await ChunkSender.SendAsync(bytes, 0, chunk => upload.RequestStream.WriteAsync(chunk, cancellationToken), cancellationToken);
        await upload.RequestStream.CompleteAsync();
        var request = new CreateFederationRequest
        {
            Definition = prepared.Definition.ToWire(layout: true),
            InitialAdapter = await upload.ResponseAsync,
        };
        return await connection.Admin.CreateFederationAsync(request, connection.Options(cancellationToken, CreateLimit));
    }
}
