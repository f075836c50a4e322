using System.Diagnostics;
using FedLora.Protocol.V1;

namespace FedLora.Benchmarks.Serve;

/// <summary>How soon a node is answered while the noise of a new federation is calibrated, for many rates, which takes seconds.</summary>
internal sealed class CalibrationCase : IServeCase
{
    private const int Rates = 20;

    public string Name => "calibration";

    public async Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken)
    {
        using var crowd = await Crowd.EnrolAsync(server, Math.Min(size.Nodes, Rates), cancellationToken);
        await crowd.PollAsync(cancellationToken);
        var definition = CrowdCase.Define("slow", 500, 2);
        definition.Method = "ffa-lora";
        definition.Privacy = new PrivacyTerms { Epsilon = 3, Delta = 1e-6, ClipNorm = 1, Accountant = "prv" };
        for (var node = 0; node < Rates; node++)
            definition.PublicCounts[Crowd.NameOf(node)] = 1000 + (97 * (ulong)node);
        using var connection = server.Connect();
        var begun = Stopwatch.GetTimestamp();
        var creation = connection.Admin.CreateFederationAsync(new CreateFederationRequest { Definition = definition },
            connection.Options(cancellationToken)).ResponseAsync;
        var answers = new List<double>();
        while (!creation.IsCompleted)
        {
            var asked = Stopwatch.GetTimestamp();
            await crowd.PollAsync(answers.Count % Math.Min(size.Nodes, Rates), TimeSpan.Zero, cancellationToken);
            answers.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
        }

        await creation;
        var calibration = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        answers.Sort();
        return
        [
            new("calibration", calibration, "s"),
            new("polls-meanwhile", answers.Count, "", LessIsBetter: false),
            new("poll-meanwhile-median", answers[answers.Count / 2], "ms"),
            new("poll-meanwhile-longest", answers[^1], "ms"),
        ];
    }
}
