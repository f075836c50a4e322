using System.CommandLine;
using System.CommandLine.Parsing;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using FedLora.Cli.Processes;
using FedLora.Client.Hosting;
using FedLora.Client.Trainers;
using FedLora.Grains.Enrolment;
using FedLora.Privacy.Ledger;

namespace FedLora.Cli.Commands.Client;

/// <summary><c>fedlora client</c>: runs a training node until Ctrl-C or SIGTERM.</summary>
internal static class ClientCommand
{
    private const string TokenVariable = "FEDLORA_JOIN_TOKEN";

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "YAML file with the settings below; flags given here win.",
    };
    private static readonly Option<string?> Coordinator = new("--coordinator")
    {
        Description = "Address of the coordinator, e.g. http://127.0.0.1:5080; several, with commas between, are tried one after another.",
    };
    private static readonly Option<string?> Data = new("--data") { Description = $"The site's examples. {DataHelp.File}" };
    private static readonly Option<string?> Model = new("--model") { Description = "Folder of the base model (Hugging Face layout)." };
    private static readonly Option<string?> State = new("--state")
    {
        Description =
            "The node's own folder: identity, cache, updates on their way, privacy ledger. Default: fedlora-node beside the data.",
    };
    private static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = $"File with the one-time join token, which is needed at the first start only; {TokenVariable} may hold it instead.",
    };
    private static readonly Option<string?> Token = new("--token")
    {
        Description = "The join token itself. Everybody on the machine can read it in the list of processes: prefer --token-file.",
    };
    private static readonly Option<string?> Name = new("--name") { Description = "The node's name for people; default: the machine's." };
    private static readonly Option<string?> Group = new("--group")
    {
        Description = "Node group, for ranks and densities that differ by group.",
    };
    private static readonly Option<int?> MaxRank = new("--max-rank") { Description = "Largest LoRA rank that this node trains." };
    private static readonly Option<int?> Threads = new("--threads") { Description = "Processor threads for training; default: all cores." };
    private static readonly Option<string?> Policy = new("--policy")
    {
        Description =
            "The site's policy file (YAML): epsilon, delta, min_batch, methods, models, federations, memory, hours, require_privacy, "
                + "forbid_mixing.",
    };
    private static readonly Option<double?> MaxEpsilon = new("--max-epsilon")
    {
        Description = "Most epsilon that the data may ever spend, over all federations; over the policy's.",
    };
    private static readonly Option<long?> PublicCount = new("--public-count")
    {
        Description = "How many examples the site lets be known, rounded: gives the sampling rate where a federation states none.",
    };
    private static readonly Option<string?> DataSet = new("--data-set")
    {
        Description = "What the privacy ledger knows the data by: all data of one name share one budget. Default: data.",
    };
    private static readonly Option<string?> Unit = new("--unit")
    {
        Description = "Field of the data whose value makes lines one unit of privacy, e.g. person; default: each line is one.",
    };
    private static readonly Option<int?> CacheSize = new("--cache-size")
    {
        Description = "Most MB of adapters kept in the node's folder besides those just asked for; default: 2048.",
    };
    private static readonly Option<string?> LogFileOption = LogFile.Create();
    private static readonly Option<string?> OnBadLine = new("--on-bad-line")
    {
        Description = "What to do about a line of the data that cannot be used: stop (default) or skip.",
    };
    private static readonly Option<string?> Trainer =
        new("--trainer")
        {
            Description =
            "A program of your own that trains, with its arguments in one text; it is given a folder (docs/trainer.md)."
        };
    private static readonly Option<double?> TrainerClip =
        new("--trainer-clip")
        {
            Description =
            "With --trainer: cut every update as a whole to this norm, and hide it with --trainer-noise."
        };
    private static readonly Option<double?> TrainerNoise =
        new("--trainer-noise")
        {
            Description =
            "With --trainer-clip: standard deviation of the noise on the update over the norm. Protects the site as a whole, not single "
                + "examples."
        };
    private static readonly Option<bool> WithParent = ParentWatch.Create();

    public static Command Create() =>
        new Command("client", "Run a training node: it trains next to its data and sends only small adapter updates.")
        {
            WithParent,
            ClientStatusCommand.Create(),
            ClientCheckCommand.Create(),
            ClientPageCommand.Create(),
            ClientEventsCommand.Create(),
        }.TakesSettings().Streams(typeof(ClientJson)).Runs(RunAsync);

    /// <summary>Gives a command the settings of a node, which <see cref="Options"/> reads.</summary>
    internal static Command TakesSettings(this Command command)
    {
        foreach (var option in (Option[])[Config, Coordinator, Data, Model, State, TokenFile, Token, Name, Group, MaxRank, Threads, Policy,
            MaxEpsilon, PublicCount, DataSet, Unit, OnBadLine, CacheSize, LogFileOption, Trainer, TrainerClip, TrainerNoise])
            command.Options.Add(option);
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, CommandOutput output, CancellationToken cancellationToken)
    {
        var options = Options(parsed);
        using var ending = ParentWatch.Follow(parsed.GetValue(WithParent), cancellationToken);
        try
        {
            await NodeHost.RunAsync(options, builder => LongRunning.Configure(builder, "fedlora-node", options.LogFile), ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Ctrl-C and SIGTERM are how a node ends; its updates are on disk.
        }
        output.Result(new ClientJson("ended", options.AsEnrolled().Name), _ => { });
    }

    /// <summary>The node's settings, from its options, the environment and its file.</summary>
    internal static ClientOptions Options(ParseResult parsed)
    {
        var file = parsed.GetValue(Config) is { } path ? ClientConfigFile.Load(path) : new ClientConfigFile();
        var data = Needed(parsed.GetValue(Data) ?? file.Data, "--data FILE", "data");
        var policy = (parsed.GetValue(Policy) ?? file.Policy) is { } policyFile
            ? SitePolicy.Load(policyFile, [.. Methods.All.Select(method => method.Name)]) : new SitePolicy();
        if (parsed.GetValue(MaxEpsilon) is { } epsilon)
            policy = epsilon > 0 && double.IsFinite(epsilon) ? policy with { Epsilon = epsilon }
                : throw new UsageException("--max-epsilon must be above 0", "e.g. --max-epsilon 4");
        if (parsed.GetValue(PublicCount) is < 1)
            throw new UsageException("--public-count must be at least 1", "State about how many examples there are, rounded.");
        if (parsed.GetValue(CacheSize) is < 0)
            throw new UsageException("--cache-size must be at least 0", "MB, e.g. --cache-size 2048.");
        if (parsed.GetValue(Threads) is < 0 || parsed.GetValue(MaxRank) is < 0)
            throw new UsageException("--threads and --max-rank must be at least 0", "0 is all cores, and any rank.");
        if (parsed.GetValue(Token) is not null && parsed.GetValue(TokenFile) is not null)
            throw new UsageException("--token and --token-file are both given", "Give one of them.");
        // What is nearest to the command wins: its own options, the environment, the file of settings.
        var token = parsed.GetValue(Token)
            ?? (parsed.GetValue(TokenFile) is null
                ? Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } named ? named : file.Token : null);
        var options = new ClientOptions
        {
            Coordinator = Needed(parsed.GetValue(Coordinator) ?? file.Coordinator, "--coordinator URL", "coordinator"),
            Data = data,
            Model = Needed(parsed.GetValue(Model) ?? file.Model, "--model DIR", "model"),
            State = parsed.GetValue(State) ?? file.State
                ?? Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(data)))!, "fedlora-node"),
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
            CacheSize = parsed.GetValue(CacheSize) ?? file.CacheSize ?? ClientOptions.DefaultCacheSize,
            LogFile = parsed.GetValue(LogFileOption) ?? file.LogFile,
            Trainer = Command(parsed.GetValue(Trainer) ?? file.Trainer),
            UpdateNoise = Noise(parsed.GetValue(TrainerClip) ?? file.TrainerClip, parsed.GetValue(TrainerNoise) ?? file.TrainerNoise),
            Policy = policy,
        };
        if (options.UpdateNoise is not null && options.Trainer is null)
            throw new UsageException("--trainer-clip and --trainer-noise want --trainer",
                "FedLora's own trainer gives privacy of single examples: state privacy in the federation.");
        if ((parsed.GetValue(Name) ?? file.Name) is not { } name)
            return options;
        return NodeName.IsValid(name) ? options with { Name = name }
            : throw new UsageException($"'{name}' cannot be a node's name", NodeName.Rule);
    }

    private static string[]? Command(string? text) => text is null ? null
        : CommandLineParser.SplitCommandLine(text).ToArray() is { Length: > 0 } words ? words
            : throw new UsageException("--trainer names no program", "e.g. --trainer \"python3 train.py\"");

    private static UpdateNoiseTerms? Noise(double? clip, double? noise) => (clip, noise) switch
    {
        (null, null) => null,
        ( > 0, > 0) when double.IsFinite(clip.Value) && double.IsFinite(noise.Value) => new UpdateNoiseTerms(clip.Value, noise.Value),
        _ => throw new UsageException("--trainer-clip and --trainer-noise go together, both above 0",
            "e.g. --trainer-clip 1 --trainer-noise 1.5"),
    };

    private static string Needed(string? value, string flag, string key) =>
        value is { Length: > 0 } ? value
            : throw new UsageException($"the client needs {flag}", $"Give it, or write '{key}:' in the file named by --config.");
}

/// <param name="State">ended: by Ctrl-C or SIGTERM.</param>
/// <param name="Node">The name that the node is enrolled by.</param>
internal sealed record ClientJson(string State, string Node);
