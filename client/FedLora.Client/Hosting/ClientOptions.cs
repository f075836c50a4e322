using FedLora.Client.State;
using FedLora.Client.Trainers;
using FedLora.Privacy.Ledger;

namespace FedLora.Client.Hosting;

/// <summary>How a training node runs. From a YAML file, from flags, or both (flags win).</summary>
public sealed record ClientOptions
{
    /// <summary>Of <see cref="CacheSize"/>.</summary>
    public const int DefaultCacheSize = 2048;

    /// <summary>Address of the coordinator, e.g. <c>http://127.0.0.1:5000</c>.</summary>
    public required string Coordinator { get; init; }

    /// <summary>The site's examples: a file of JSON lines, CSV, TSV or Parquet, or a folder of them.</summary>
    public required string Data { get; init; }

    /// <summary>Folder of the base model (Hugging Face layout).</summary>
    public required string Model { get; init; }

    /// <summary>The daemon's own folder: identity, cache, updates not yet acknowledged, privacy ledger.</summary>
    public required string State { get; init; }

    /// <summary>One-time join token; needed only until the node is enrolled.</summary>
    public string? Token { get; init; }

    /// <summary>File that holds the join token, read where <see cref="Token"/> is not set.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Name for people; the machine's name if not set. The coordinator's operator may give the node another.</summary>
    public string Name { get; set; } = DefaultName();

    /// <summary>Node group, for ranks and densities that differ by group.</summary>
    public string Group { get; init; } = "";

    /// <summary>Largest rank this node trains; 0 = any.</summary>
    public int MaxRank { get; init; }

    /// <summary>Processor threads for training; 0 = all cores.</summary>
    public int Threads { get; init; }

    /// <summary>Go on after a line of the data that cannot be used, counting it, instead of stopping.</summary>
    public bool SkipBadLines { get; init; }

    /// <summary>
    /// How many examples the site lets be known: a figure that somebody states, rounded, which does not change with one example. 0 = none
    /// is stated. With it, federations that state no sampling rate can be trained under privacy.
    /// </summary>
    public long PublicCount { get; init; }

    /// <summary>
    /// What the site calls its data, for the privacy ledger: everything ever trained under one name shares one budget. Only data that were
    /// never used before may have a new name.
    /// </summary>
    public string DataSet { get; init; } = "data";

    /// <summary>
    /// The field of the data whose value makes lines one unit of privacy (a person, a thread); null where each line is one.
    /// </summary>
    public string? Unit { get; init; }

    /// <summary>Most MB of adapters that are kept in its folder besides those just asked for.</summary>
    public int CacheSize { get; init; } = DefaultCacheSize;

    /// <summary>File that takes the program's log too; null: none.</summary>
    public string? LogFile { get; init; }

    /// <summary>A program of the site's own that trains, and its arguments; null for FedLora's training engine. See
    /// docs/trainer.md.</summary>
    public IReadOnlyList<string>? Trainer { get; init; }

    /// <summary>Noise on the whole update, with a trainer of one's own; null without.</summary>
    public UpdateNoiseTerms? UpdateNoise { get; init; }

    /// <summary>What the site allows a coordinator to ask of it. No coordinator can raise it.</summary>
    public SitePolicy Policy { get; init; } = new();

    /// <summary>
    /// With the name that the node was enrolled by: it is given once, and public counts go by it, whatever a later start calls the node.
    /// One that it only asked for holds unless this start states another.
    /// </summary>
    /// <exception cref="FedLoraException"><c>credential-invalid</c>.</exception>
    public ClientOptions AsEnrolled() =>
        NodeCredential.Load(NodeFolder.CredentialFileOf(State)) is { } known && (known.IsEnrolled || Name == DefaultName())
            ? this with { Name = known.Name } : this;

    private static string DefaultName()
    {
        var name = new string(
            [.. Environment.MachineName.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-')]);
        return name.Length is > 0 and <= 64 ? name : "node";
    }
}
