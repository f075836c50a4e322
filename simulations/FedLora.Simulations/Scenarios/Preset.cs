using System.Reflection;
using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Scenarios;

/// <summary>A scenario that comes with the program.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Summary">What it asks.</param>
/// <param name="Needs">What it is on.</param>
public sealed record Preset(string Name, string Summary, PresetData Needs)
{
    private const string Folder = "scenarios/";
    private const int ImagesOfSite = 500;
    private const int HeldOutOfSite = 300;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        new("first", "1,000 uneven nodes in virtual time, FedIT beside FFA-LoRA, on a linear classifier: seconds, without model or data",
            PresetData.None),
        new("private-mail", "FedSVD, FFA-LoRA and FedIT at epsilon 3, three seeds, on the demo's mail with skewed sites", PresetData.Mail),
        new("feature-skew", "LoRA-FAIR, FedIT, FLoRA and FlexLoRA on images that look different at each site, three seeds",
            PresetData.Fashion),
        new("low-rank", "RoLoRA, FFA-LoRA and FedIT at rank 1, three seeds, on the party of State of the Union speakers, a site an era",
            PresetData.Speeches),
        new("few-bytes", "Fed-SB beside FedIT, FFA-LoRA and FedEx-LoRA, accuracy against bytes, three seeds, on the images of feature-skew",
            PresetData.Fashion),
        new("sparse", "FedIT dense, at a lower rank, and sparse as CELLM and FLASC have it, three seeds, on the images of feature-skew",
            PresetData.Fashion),
    ];

    /// <summary>It needs the demo's mail and base model.</summary>
    public bool UsesMail => Needs == PresetData.Mail;

    /// <summary>Writes scenario and data into a folder; returns the scenario's path.</summary>
    /// <param name="model">A base model's folder, by its name below <c>simulations/models</c>; asked for only where it is needed.</param>
    public string Write(string folder, Func<string, string> model, CancellationToken cancellationToken)
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(Folder + Name)
            ?? throw new FedLoraException("preset-missing", $"the scenario {Name} is not in this program", "build it again");
        using var reader = new StreamReader(resource);
        var text = reader.ReadToEnd();
        var data = Path.Combine(folder, "data");
        switch (Needs)
        {
            case PresetData.Mail:
                var (heldOut, training) =
                    MailSplit.HoldOut(SpamAssassin.Read(Corpora.SpamAssassin, cancellationToken), DemoData.HeldOutMails);
                DemoData.Write(data, "train.jsonl", training.SelectMany(source => source));
                DemoData.Write(data, "held-out.jsonl", heldOut);
                text = text.Replace("MODEL", model("mail-encoder"), StringComparison.Ordinal);
                break;
            case PresetData.Speeches:
                Speeches.Write(Corpora.StateOfTheUnion, data, cancellationToken);
                text = text.Replace("MODEL", model("mail-encoder"), StringComparison.Ordinal);
                break;
            case PresetData.Fashion:
                FashionSites.Write(Corpora.FashionMnist, data, ImagesOfSite, HeldOutOfSite, cancellationToken);
                text = text.Replace("MODEL", model("fashion-vit"), StringComparison.Ordinal);
                break;
        }

        var path = Path.Combine(folder, "scenario.yaml");
        AtomicFile.Write(path, text);
        return path;
    }
}

/// <summary>What a preset's nodes have.</summary>
public enum PresetData
{
    /// <summary>Made-up numbers.</summary>
    None,

    /// <summary>The demo's mail.</summary>
    Mail,

    /// <summary>State of the Union addresses, see <see cref="Demo.Speeches"/>.</summary>
    Speeches,

    /// <summary>Fashion-MNIST, see <see cref="FashionSites"/>.</summary>
    Fashion,
}
