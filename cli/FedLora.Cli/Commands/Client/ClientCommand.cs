using System.CommandLine;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Client.Hosting;
using FedLora.Grains.Enrolment;
using FedLora.Privacy.Ledger;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client</c>: runs a training node until Ctrl-C or SIGTERM.</summary>
internal static class ClientCommand
{
    private const string TokenVariable = "FEDLORA_JOIN_TOKEN";

    private static readonly Option<string?> Config = new("--config") { Description = "YAML file with the settings below; flags given here win." };
    private static readonly Option<string?> Coordinator = new("--coordinator") { Description = "Address of the coordinator, e.g. http://127.0.0.1:5080; several, with commas between, are tried one after another." };
    private static readonly Option<string?> Data = new("--data") { Description = "JSONL file with the site's examples: {\"text\",\"label\"}, {\"text\"} or {\"prompt\",\"completion\"} per line." };
    private static readonly Option<string?> Model = new("--model") { Description = "Folder of the base model (Hugging Face layout)." };
    private static readonly Option<string?> State = new("--state") { Description = "The node's own folder: identity, cache, updates on their way, privacy ledger. Default: fedlora-node beside the data." };
    private static readonly Option<string?> TokenFile = new("--token-file") { Description = $"File with the one-time join token, which is needed at the first start only; {TokenVariable} may hold it instead." };
    private static readonly Option<string?> Token = new("--token") { Description = "The join token itself. Everybody on the machine can read it in the list of processes: prefer --token-file." };
    private static readonly Option<string?> Name = new("--name") { Description = "The node's name for people; default: the machine's." };
    private static readonly Option<string?> Group = new("--group") { Description = "Node group, for ranks and densities that differ by group." };
    private static readonly Option<int?> MaxRank = new("--max-rank") { Description = "Largest LoRA rank that this node trains." };
    private static readonly Option<int?> Threads = new("--threads") { Description = "Processor threads for training; default: all cores." };
    private static readonly Option<string?> Policy = new("--policy") { Description = "The site's policy file (YAML): epsilon, delta, min_batch, methods, models, federations, hours, require_privacy, forbid_mixing." };
    private static readonly Option<double?> MaxEpsilon = new("--max-epsilon") { Description = "Most epsilon that the data may ever spend, over all federations; over the policy's." };
    private static readonly Option<long?> PublicCount = new("--public-count") { Description = "How many examples the site lets be known, rounded: gives the sampling rate where a federation states none." };
    private static readonly Option<string?> DataSet = new("--data-set") { Description = "What the privacy ledger knows the data by: all data of one name share one budget. Default: data." };
    private static readonly Option<string?> Unit = new("--unit") { Description = "Field of the data whose value makes lines one unit of privacy, e.g. person; default: each line is one." };
    private static readonly Option<string?> OnBadLine = new("--on-bad-line") { Description = "What to do about a line of the data that cannot be used: stop (default) or skip." };
    private static readonly Option<bool> WithParent = ParentWatch.Create();

    public static Command Create() =>
        new Command("client", "Run a training node: it trains next to its data and sends only small adapter updates.")
        {
            Config, Coordinator, Data, Model, State, TokenFile, Token, Name, Group, MaxRank, Threads, Policy, MaxEpsilon, PublicCount,
                DataSet, Unit, OnBadLine, WithParent,
            ClientStatusCommand.Create(),
        }.Runs(RunAsync);

    private static async Task RunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellation)
    {
        var options = Options(parsed);
        using var ending = ParentWatch.Follow(parsed.GetValue(WithParent), cancellation);
        try
        {
            await NodeHost.RunAsync(options, builder => LongRunning.Configure(builder, "fedlora-node"), ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Ctrl-C and SIGTERM are how a node ends; its updates are on disk.
        }
        output.Result(new { State = "ended", Node = options.Name }, _ => { });
    }

    private static ClientOptions Options(ParseResult parsed)
    {
        var file = parsed.GetValue(Config) is { } path ? ClientConfigFile.Load(path) : new ClientConfigFile();
        var data = Needed(parsed.GetValue(Data) ?? file.Data, "--data FILE", "data");
        var policy = (parsed.GetValue(Policy) ?? file.Policy) is { } policyFile ? SitePolicy.Load(policyFile) : new SitePolicy();
        if (parsed.GetValue(MaxEpsilon) is { } epsilon)
            policy = epsilon > 0 && double.IsFinite(epsilon) ? policy with { Epsilon = epsilon } : throw new UsageException("--max-epsilon must be above 0", "e.g. --max-epsilon 4");
        if (parsed.GetValue(PublicCount) is < 1)
            throw new UsageException("--public-count must be at least 1", "State about how many examples there are, rounded.");
        if (parsed.GetValue(Threads) is < 0 || parsed.GetValue(MaxRank) is < 0)
            throw new UsageException("--threads and --max-rank must be at least 0", "0 is all cores, and any rank.");
        if (parsed.GetValue(Token) is not null && parsed.GetValue(TokenFile) is not null)
            throw new UsageException("--token and --token-file are both given", "Give one of them.");
        // What is nearest to the command wins: its own options, the environment, the file of settings.
        var token = parsed.GetValue(Token) ?? (parsed.GetValue(TokenFile) is null ? Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } named ? named : file.Token : null);
        var options = new ClientOptions
        {
            Coordinator = Needed(parsed.GetValue(Coordinator) ?? file.Coordinator, "--coordinator URL", "coordinator"),
            Data = data,
            Model = Needed(parsed.GetValue(Model) ?? file.Model, "--model DIR", "model"),
            State = parsed.GetValue(State) ?? file.State ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(data))!, "fedlora-node"),
            Token = token,
            TokenFile = token is null ? parsed.GetValue(TokenFile) ?? file.TokenFile : null,
            Group = parsed.GetValue(Group) ?? file.Group ?? "",
            MaxRank = parsed.GetValue(MaxRank) ?? file.MaxRank ?? 0,
            Threads = parsed.GetValue(Threads) ?? file.Threads ?? 0,
            SkipBadLines = parsed.GetValue(OnBadLine) switch
            {
                null => file.SkipBadLines ?? false,
                "skip" => true,
                "stop" => false,
                var other => throw new UsageException($"--on-bad-line cannot be '{other}'", "Use stop or skip."),
            },
            PublicCount = parsed.GetValue(PublicCount) ?? file.PublicCount ?? 0,
            DataSet = parsed.GetValue(DataSet) ?? file.DataSet ?? "data",
            Unit = parsed.GetValue(Unit) ?? file.Unit,
            Policy = policy,
        };
        if ((parsed.GetValue(Name) ?? file.Name) is not { } name)
            return options;
        return NodeName.IsValid(name) ? options with { Name = name } : throw new UsageException($"'{name}' cannot be a node's name", NodeName.Rule);
    }

    private static string Needed(string? value, string flag, string key) =>
        value is { Length: > 0 } ? value : throw new UsageException($"the client needs {flag}", $"Give it, or write '{key}:' in the file named by --config.");
}
