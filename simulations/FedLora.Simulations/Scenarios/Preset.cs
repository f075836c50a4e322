using System.Reflection;
using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Scenarios;

/// <summary>A scenario that comes with the program.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Summary">What it asks.</param>
/// <param name="UsesMail">It needs the demo's mail and base model.</param>
public sealed record Preset(string Name, string Summary, bool UsesMail)
{
    private const string Folder = "scenarios/";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        new("first", "1,000 uneven nodes in virtual time, FedIT beside FFA-LoRA, on a linear classifier: seconds, without model or data",
            false),
        new("private-mail", "FedSVD, FFA-LoRA and FedIT at epsilon 3, three seeds, on the demo's mail with skewed sites", true),
    ];

    /// <summary>Writes scenario and data into a folder; returns the scenario's path.</summary>
    /// <param name="model">The demo's base model; asked for only where it is needed.</param>
    public string Write(string folder, Func<string> model, CancellationToken cancellationToken)
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(Folder + Name)
            ?? throw new FedLoraException("preset-missing", $"the scenario {Name} is not in this program", "build it again");
        using var reader = new StreamReader(resource);
        var text = reader.ReadToEnd();
        if (UsesMail)
        {
            var data = Path.Combine(folder, "data");
            var (heldOut, training) = MailSplit.HoldOut(SpamAssassin.Read(Corpora.SpamAssassin, cancellationToken), DemoData.HeldOutMails);
            DemoData.Write(data, "train.jsonl", training.SelectMany(source => source));
            DemoData.Write(data, "held-out.jsonl", heldOut);
            text = text.Replace("MODEL", model(), StringComparison.Ordinal);
        }

        var path = Path.Combine(folder, "scenario.yaml");
        AtomicFile.Write(path, text);
        return path;
    }
}
