using System.Diagnostics;
using System.Globalization;
using FedLora.Client.Connection;
using FedLora.Protocol.V1;

namespace FedLora.Benchmarks.Serve;

/// <summary>
/// Many nodes poll and ten private federations run, nine of which wait for more nodes than there are: processor time of a poll, the time
/// from the start of the tenth until a waiting node has its task, for which every node's ledger is asked, and memory with all polls held.
/// </summary>
internal sealed class CrowdCase : IServeCase
{
    private const int Federations = 10;
    private const int CohortSize = 20;
    private const int Passes = 2;
    private static readonly TimeSpan Held = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Standing = TimeSpan.FromSeconds(10);

    public string Name => "crowd";

    public async Task<IReadOnlyList<ServeFigure>> MeasureAsync(ServerProcess server, ServeSize size, Action<string> remark,
        CancellationToken cancellationToken)
    {
        var nodes = size.Nodes;
        var begun = Stopwatch.GetTimestamp();
        using var crowd = await Crowd.EnrolAsync(server, nodes, cancellationToken);
        var enrolling = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        remark($"{nodes} nodes are enrolled");
        using var connection = server.Connect();
        for (var i = 0; i < Federations; i++)
            await CreateAsync(connection, Private(NameOf(i), i == Federations - 1 ? nodes : nodes + 1), start: i < Federations - 1,
                cancellationToken);
        remark($"{Federations} federations are there");
        await crowd.PollAsync(cancellationToken);

        var (cpu, polling) = (server.Cpu(), Stopwatch.GetTimestamp());
        for (var pass = 0; pass < Passes; pass++)
            await crowd.PollAsync(cancellationToken);
        var perPoll = (server.Cpu() - cpu).TotalMilliseconds / (Passes * nodes);
        remark(
            string.Create(CultureInfo.InvariantCulture,
                $"{Passes * nodes} polls took {Stopwatch.GetElapsedTime(polling).TotalSeconds:0.0} s"));

        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = crowd.FirstTaskAsync(Held, gone.Token);
        // All of them stand before it is started.
        await Task.Delay(Standing, cancellationToken);
        begun = Stopwatch.GetTimestamp();
        await connection.Admin.StartFederationAsync(new FederationName { Name = NameOf(Federations - 1) },
            connection.Options(cancellationToken));
        await first;
        var sampling = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        var (resident, peak) = server.Resident();
        await gone.CancelAsync();
        return
        [
            new("poll-cpu", perPoll, "ms"),
            new("sample-private-round", sampling, "ms"),
            new("resident", resident, "MiB"),
            new("resident-peak", peak, "MiB"),
            new("enrol-all", enrolling, "s"),
        ];
    }

    private static string NameOf(int federation) => string.Create(CultureInfo.InvariantCulture, $"federation-{federation}");

    private static async Task CreateAsync(CoordinatorConnection connection, FederationDefinition definition, bool start,
        CancellationToken cancellationToken)
    {
        await connection.Admin.CreateFederationAsync(new CreateFederationRequest { Definition = definition },
            connection.Options(cancellationToken));
        if (start)
            await connection.Admin.StartFederationAsync(new FederationName { Name = definition.Name },
                connection.Options(cancellationToken));
    }

    /// <summary>A definition with one small module and without privacy.</summary>
    internal static FederationDefinition Define(string name, int rounds, int nodes) => new()
    {
        Name = name,
        Method = "fedit",
        MethodOptions = new MethodOptions(),
        Rounds = (uint)rounds,
        Seed = 1,
        BaseModel = new BaseModel { Fingerprint = Crowd.Fingerprint, Name = "tiny" },
        Task = new LearningTask { Classification = new Classification { Labels = { "a", "b" } } },
        Lora = new LoraSettings { Rank = 2, Alpha = 4, TargetModules = { "q" } },
        Training = new TrainingSettings
        {
            LocalSteps = 10,
            BatchSize = 8,
            Optimizer = "adamw",
            LearningRate = 1e-3,
            MaxTokens = 16,
            Schedule = "constant",
            Dtype = "auto",
        },
        Cohort = new CohortRules { Size = (uint)nodes, MinNodes = (uint)nodes, DeadlineSeconds = 3600 },
        Layout = new AdapterLayout { Modules = { new LayoutModule { Name = "l.0.q", DOut = 6, DIn = 5 } } },
    };

    private static FederationDefinition Private(string name, int least)
    {
        var definition = Define(name, 10, CohortSize);
        definition.Method = "ffa-lora";
        definition.Cohort.MinNodes = (uint)least;
        definition.Privacy =
            new PrivacyTerms { NoiseMultiplier = 2, SamplingRate = 0.01, Delta = 1e-5, ClipNorm = 1, Accountant = "pld" };
        return definition;
    }
}
