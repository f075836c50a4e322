using FedLora.Federations.Files;

namespace FedLora.Client.Hosting;

/// <summary>What a client's YAML file says; null where it says nothing.</summary>
public sealed record ClientConfigFile
{
    public string? Coordinator { get; private init; }

    public string? Data { get; private init; }

    public string? Model { get; private init; }

    public string? State { get; private init; }

    public string? Token { get; private init; }

    public string? TokenFile { get; private init; }

    public string? Name { get; private init; }

    public string? Group { get; private init; }

    public int? MaxRank { get; private init; }

    public int? Threads { get; private init; }

    public bool? SkipBadLines { get; private init; }

    public long? PublicCount { get; private init; }

    public string? DataSet { get; private init; }

    public string? Unit { get; private init; }

    public string? Trainer { get; private init; }

    public double? TrainerClip { get; private init; }

    public double? TrainerNoise { get; private init; }

    public int? CacheSize { get; private init; }

    public string? LogFile { get; private init; }

    /// <summary>The site's policy file.</summary>
    public string? Policy { get; private init; }

    /// <summary>Reads the file, strictly; relative paths in it start at its folder.</summary>
    /// <exception cref="FedLoraException"><c>yaml-invalid</c>, naming line and key.</exception>
    public static ClientConfigFile Load(string file)
    {
        var yaml = YamlMap.Load(file);
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var config = new ClientConfigFile
        {
            Coordinator = yaml.OptionalText("coordinator"),
            Data = Resolve(yaml.OptionalText("data")),
            Model = Resolve(yaml.OptionalText("model")),
            State = Resolve(yaml.OptionalText("state")),
            Token = yaml.OptionalText("token"),
            TokenFile = Resolve(yaml.OptionalText("token_file")),
            Name = yaml.OptionalText("name"),
            Group = yaml.OptionalText("group"),
            MaxRank = yaml.Count32("max_rank"),
            Threads = yaml.Count32("threads"),
            SkipBadLines = yaml.OptionalText("on_bad_line") switch
            {
                null => null,
                "skip" => true,
                "stop" => false,
                var other => throw yaml.Error("on_bad_line", $"'{other}' is not known; known: stop, skip"),
            },
            PublicCount = (long?)yaml.Count("public_count"),
            DataSet = yaml.OptionalText("data_set"),
            Unit = yaml.OptionalText("unit"),
            Trainer = yaml.OptionalText("trainer"),
            TrainerClip = yaml.Number("trainer_clip"),
            TrainerNoise = yaml.Number("trainer_noise"),
            CacheSize = yaml.Count32("cache_size"),
            LogFile = Resolve(yaml.OptionalText("log_file")),
            Policy = Resolve(yaml.OptionalText("policy")),
        };
        yaml.End();
        return config;

        string? Resolve(string? path) => path is null ? null : Path.GetFullPath(path, folder);
    }
}
