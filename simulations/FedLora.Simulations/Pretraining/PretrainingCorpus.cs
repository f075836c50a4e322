using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Pretraining;

/// <summary>The texts that the demo's base model learns from; anyone may redistribute all of them.</summary>
public static class PretrainingCorpus
{
    private static readonly string[] WordNetFiles = ["data.noun", "data.verb", "data.adj", "data.adv"];

    /// <summary>
    /// Mail that the demo does not hold out, State of the Union addresses, Moby Dick, and WordNet's glosses; one text per mail,
    /// paragraph or a few glosses.
    /// </summary>
    public static IReadOnlyList<string> Read(CancellationToken cancellationToken) =>
        [.. Mail(cancellationToken), .. Books(Corpora.StateOfTheUnion), .. Books(Corpora.MobyDick), .. Glosses(Corpora.WordNet)];

    /// <summary>The training-side mails: all but those that the demo holds out.</summary>
    public static IReadOnlyList<string> Mail(CancellationToken cancellationToken)
    {
        var mails = SpamAssassin.Read(Corpora.SpamAssassin, cancellationToken);
        return [.. MailSplit.HoldOut(mails, DemoData.HeldOutMails).Training.SelectMany(source => source).Select(mail => mail.Text)];
    }

    private static IEnumerable<string> Books(string folder) => Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal)
        .SelectMany(file => File.ReadAllText(file).Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(text => text.Length > 40);

    // A line of data.noun ends with "| gloss"; lines of the licence begin with spaces.
    private static IEnumerable<string> Glosses(string folder) => WordNetFiles
        .SelectMany(name => File.ReadLines(Path.Combine(folder, name)))
        .Where(line => line.Length > 0 && line[0] != ' ' && line.Contains('|', StringComparison.Ordinal))
        .Select(line => line.Split(' ')[4].Replace('_', ' ') + ": " + line[(line.IndexOf('|', StringComparison.Ordinal) + 1)..].Trim())
        .Chunk(6).Select(glosses => string.Join(". ", glosses));
}
