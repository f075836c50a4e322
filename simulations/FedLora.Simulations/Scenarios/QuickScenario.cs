using System.Globalization;
using System.Text;
using FedLora.Training.Data;

namespace FedLora.Simulations.Scenarios;

/// <summary>A scenario from a line of options: one's own data, split over so many nodes, and the methods and budgets to compare.</summary>
/// <param name="Data">A file or folder as <see cref="DataFile"/> reads it; with texts or images that all have labels a classification,
/// otherwise language modelling.</param>
/// <param name="Model">The base model's folder.</param>
/// <param name="Epsilon">Numbers, or <c>none</c>.</param>
public sealed record QuickScenario(string Data, string Model, int Nodes, IReadOnlyList<string> Methods, IReadOnlyList<string> Epsilon,
    int Seeds)
{
    private const int MostLabels = 1000;
    private const double HeldOutShare = 0.1;
    private const string None = "none";

    public int Rounds { get; init; } = 10;

    public int LocalSteps { get; init; } = 10;

    public int BatchSize { get; init; } = 16;

    public double LearningRate { get; init; } = 2e-3;

    public int Rank { get; init; } = 8;

    /// <summary>Concentration of the labels' Dirichlet split; 0: equal shares.</summary>
    public double Alpha { get; init; }

    /// <summary>The scenario's text; what it leaves out has its default.</summary>
    /// <exception cref="FedLoraException"><c>data-missing</c>, <c>data-invalid</c>, <c>epsilon-invalid</c>.</exception>
    public string Write(CancellationToken cancellationToken)
    {
        var (lines, labels) = Look(cancellationToken);
        var share = Math.Min(1, BatchSize * (double)Nodes / Math.Max(1, lines * (1 - HeldOutShare)));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"name: {Quoted(Path.GetFileNameWithoutExtension(Data))}\nnodes: {Nodes}\ndata:\n  train: {Quoted(Data)}\n  held_out_share: "
                + $"{HeldOutShare}\n");
        text.Append(
            Alpha > 0 ? $"  split: {{ kind: {(labels.Count > 0 ? "dirichlet" : "quantity")}, alpha: {Text(Alpha)} }}\n"
                : "  split: { kind: identical }\n");
        text.Append($"federation:\n  name: simulated\n  base_model: {Quoted(Model)}\n  method: {Methods[0]}\n  rounds: {Rounds}\n");
        text.Append(
            labels.Count > 0 ? $"  task: {{ kind: classification, labels: [{string.Join(", ", labels.Select(Quoted))}] }}\n"
                : "  task: { kind: causal-language-model }\n");
        text.Append($"  lora: {{ rank: {Rank}, target_modules: [all-linear] }}\n");
        text.Append(
            $"  training: {{ local_steps: {LocalSteps}, batch_size: {BatchSize}, learning_rate: {Text(LearningRate)}, max_tokens: "
                + $"128 }}\n");
        var budgets = Epsilon.Where(value => value != None).ToList();
        if (budgets.FirstOrDefault(value => Number.Parse(value) is not > 0) is { } bad)
            throw new FedLoraException("epsilon-invalid", $"'{bad}' is not an epsilon", "give numbers above 0, or none");
        if (budgets.Count > 0)
            text.Append(
                $"  # q: the batch over the examples of a node\n  privacy: {{ epsilon: {budgets[0]}, sampling_rate: "
                    + $"{Text(Math.Round(share, 6))} }}\n");
        text.Append($"sweep:\n  federation.method: [{string.Join(", ", Methods)}]\n");
        if (Epsilon.Count > 0)
            text.Append($"  federation.privacy.epsilon: [{string.Join(", ", Epsilon)}]\n");
        return text.Append($"  seed: [{string.Join(", ", Enumerable.Range(1, Seeds))}]\n").ToString();
    }

    // As training reads it.
    private (int Lines, IReadOnlyList<string> Labels) Look(CancellationToken cancellationToken)
    {
        var records = DataFile.Read(Data, new DataSettings(TextTask.CausalLanguageModelling, 0, []), cancellationToken).Records;
        if (records.Any(record => record.Label is null || record.Prompt is not null || record.Conversation is not null))
            return (records.Count, []);
        var labels = new SortedSet<string>(records.Select(record => record.Label!), StringComparer.Ordinal);
        return labels.Count <= MostLabels ? (records.Count, [.. labels])
            : throw new FedLoraException("data-invalid", $"{Data} has more than {MostLabels} labels.",
                "Is \"label\" a number that is to be told? Write the scenario by hand.");
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}
