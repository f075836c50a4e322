using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FedLora.Simulations.Demo;

/// <summary>
/// Pieces of State of the Union addresses since 1901, and the party of who spoke, at sites that have an era each. Whole speeches are held
/// out, every fifth.
/// </summary>
public static partial class Speeches
{
    private const int FirstYear = 1901;
    private const int YearsOfSite = 15;
    private const int HeldOutEvery = 5;
    private const int LeastLetters = 240;
    private const int MostPieces = 40;

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>train.jsonl</c> and <c>held-out.jsonl</c>: <c>{"text","label","site"}</c>, in the order of the years.</summary>
    /// <param name="corpus">See <see cref="Corpora.StateOfTheUnion"/>.</param>
    /// <param name="folder">Takes the files.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static void Write(string corpus, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        using var training = new StreamWriter(Path.Combine(folder, "train.jsonl"));
        using var heldOut = new StreamWriter(Path.Combine(folder, "held-out.jsonl"));
        var number = 0;
        foreach (var file in Directory.EnumerateFiles(corpus, "*.txt").Order(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Name().Match(Path.GetFileName(file)) is not { Success: true } name
                || int.Parse(name.Groups["year"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) is var year
                && year < FirstYear)
                continue;
            var to = number++ % HeldOutEvery == HeldOutEvery - 1 ? heldOut : training;
            var (label, site) = (name.Groups["party"].Value == "d" ? "democratic" : "republican",
                $"{FirstYear + ((year - FirstYear) / YearsOfSite * YearsOfSite)}");
            foreach (var text in Some([.. Pieces(File.ReadAllText(file))]))
                to.Write(JsonSerializer.Serialize(new { text, label, site }, Readable) + "\n");
        }
    }

    // Whole sentences, as many as make the least length.
    private static IEnumerable<string> Pieces(string speech)
    {
        var piece = "";
        foreach (var sentence in SentenceEnd().Split(speech).Select(sentence => sentence.Trim()))
        {
            piece = piece.Length == 0 ? sentence : $"{piece} {sentence}";
            if (piece.Length < LeastLetters)
                continue;
            yield return piece;
            piece = "";
        }
    }

    // Evenly from the whole speech: long ones count no more.
    private static IEnumerable<string> Some(IReadOnlyList<string> pieces) => pieces.Count <= MostPieces ? pieces
        : Enumerable.Range(0, MostPieces).Select(i => pieces[(int)((long)i * pieces.Count / MostPieces)]);

    // 1947_harry_s_truman_d.txt
    [GeneratedRegex(@"^(?<year>\d{4})_\w+_(?<party>[dr])\.txt$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<=[.!?])\s+", RegexOptions.None, 1000)]
    private static partial Regex SentenceEnd();
}
