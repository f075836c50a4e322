using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Pretraining;

/// <summary>Texts of one kind.</summary>
/// <param name="Name">What they are.</param>
/// <param name="Texts">The texts.</param>
/// <param name="Share">How often they are drawn; the shares of all sources add up to 1.</param>
/// <param name="KeepBeginnings">Each text's beginning is learnt as a window of its own as well.</param>
public sealed record CorpusSource(string Name, IReadOnlyList<string> Texts, double Share, bool KeepBeginnings);

/// <summary>The texts that the demo's base model learns from; anyone may redistribute all of them.</summary>
public static class PretrainingCorpus
{
    private static readonly string[] WordNetFiles = ["data.noun", "data.verb", "data.adj", "data.adv"];

    /// <summary>
    /// Mail that the demo does not hold out, State of the Union addresses, Moby Dick, and WordNet's glosses; one text per mail,
    /// paragraph or a few glosses. Two thirds of what is learnt is mail, which is what the demo reads.
    /// </summary>
    public static IReadOnlyList<CorpusSource> Read(CancellationToken cancellationToken) =>
    [
        new("mail", Mail(cancellationToken), 0.70, KeepBeginnings: true),
        new("State of the Union", [.. Books(Corpora.StateOfTheUnion)], 0.15, KeepBeginnings: false),
        new("Moby Dick", [.. Books(Corpora.MobyDick)], 0.05, KeepBeginnings: false),
        new("WordNet", [.. Glosses(Corpora.WordNet)], 0.10, KeepBeginnings: false),
    ];

    /// <summary>The training-side mails: all but those that the demo holds out.</summary>
    public static IReadOnlyList<string> Mail(CancellationToken cancellationToken)
    {
        var mails = SpamAssassin.Read(Corpora.SpamAssassin, cancellationToken);
        return [.. MailSplit.HoldOut(mails, DemoData.HeldOutMails).Training.SelectMany(source => source).Select(mail => mail.Text)];
    }

    private static IEnumerable<string> Books(string folder) => Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal)
        .SelectMany(file => File.ReadAllText(file).Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .Where(text => text.Length > 40);

    // A line of data.noun ends with "| gloss"; lines of the licence begin with spaces.
    private static IEnumerable<string> Glosses(string folder) => WordNetFiles
        .SelectMany(name => File.ReadLines(Path.Combine(folder, name)))
        .Where(line => line.Length > 0 && line[0] != ' ' && line.Contains('|', StringComparison.Ordinal))
        .Select(line => line.Split(' ')[4].Replace('_', ' ') + ": " + line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..].Trim())
        .Chunk(6).Select(glosses => string.Join(". ", glosses));
}
