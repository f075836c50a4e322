using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Simulations.Demo;

/// <summary>Where the demo's data lies.</summary>
/// <param name="Sites">A JSONL file per site: <c>{"text","label"}</c>, as a site administrator would provide it.</param>
/// <param name="HeldOut">The JSONL file of the held-out mails.</param>
/// <param name="Summary">What each site has, for people.</param>
public sealed record DemoData(IReadOnlyList<string> Sites, string HeldOut, IReadOnlyList<SiteSummary> Summary)
{
    /// <summary>Number of mails held out for the test.</summary>
    public const int HeldOutMails = 1000;

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    /// <summary>Reads the corpus, splits it, and writes <c>site-1.jsonl</c> ... and <c>held-out.jsonl</c>.</summary>
    /// <param name="corpus">The SpamAssassin data folder, see <see cref="Corpora.SpamAssassin"/>.</param>
    /// <param name="folder">Takes the files; made when missing.</param>
    /// <param name="sites">Number of sites.</param>
    /// <param name="seed">Equal seeds give equal files.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public static DemoData Prepare(string corpus, string folder, int sites, int seed, CancellationToken cancellationToken)
    {
        var split = MailSplit.Create(SpamAssassin.Read(corpus, cancellationToken), sites, HeldOutMails, seed);
        Directory.CreateDirectory(folder);
        var paths = split.Sites.Select((mails, i) => Write(Path.Combine(folder, $"site-{i + 1}.jsonl"), mails)).ToList();
        return new DemoData(paths, Write(Path.Combine(folder, "held-out.jsonl"), split.HeldOut), [.. split.Sites.Select(SiteSummary.Of)]);
    }

    /// <summary>Writes mails as a JSONL file.</summary>
    internal static string Write(string folder, string name, IEnumerable<Mail> mails) => Write(Path.Combine(folder, name), mails);

    private static string Write(string path, IEnumerable<Mail> mails)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllLines(path, mails.Select(mail => JsonSerializer.Serialize(new { mail.Text, mail.Label }, Readable)));
        return path;
    }
}

/// <summary>How many mails a site has, of which label and from which folders of the corpus.</summary>
public sealed record SiteSummary(int Mails, int Spam, IReadOnlyDictionary<string, int> Sources)
{
    internal static SiteSummary Of(IReadOnlyList<Mail> mails) => new(mails.Count, mails.Count(mail => mail.Label == "spam"),
        mails.CountBy(mail => mail.Source).OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary());
}
