using FedLora.Training.Blocks;
using FedLora.Training.Models;
using FedLora.Training.Running;

namespace FedLora.Training.Data;

/// <summary>How a data file becomes examples.</summary>
/// <param name="Task">What it is read for.</param>
/// <param name="MaxLength">The most tokens of an example, special tokens included; at least 8; not looked at for images.</param>
/// <param name="Labels">Classification: the federation's labels, in the order of the classes.</param>
/// <param name="BadLines">What becomes of lines that cannot be used.</param>
/// <param name="Unit">The field whose value makes lines one unit of privacy; null = each line is one.</param>
public sealed record DataSettings(TextTask Task, int MaxLength, IReadOnlyList<string> Labels, BadLines BadLines = BadLines.Stop,
    string? Unit = null);

/// <summary>
/// A data file as a model takes it: examples without padding (the trainer packs them by length), and what was cut or left out.
/// </summary>
/// <param name="Examples">In the order of the file.</param>
/// <param name="Truncated">How many examples were cut to the maximum length.</param>
/// <param name="TruncatedTokens">How many tokens were cut off in all.</param>
/// <param name="Skipped">Lines that were left out.</param>
public sealed record DataSet(IReadOnlyList<Example> Examples, int Truncated, long TruncatedTokens, SkippedLines Skipped)
{
    private const int LeastLength = 8;

    /// <summary>The examples of each unit of privacy, by index; null where each example is one.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Units { get; init; }

    /// <summary>What each example was made of; empty where nobody keeps it.</summary>
    public IReadOnlyList<TextRecord> Records { get; init; } = [];

    /// <summary>Tokens of all examples; 0 for images.</summary>
    public long Tokens => Examples.Sum(example => (long)example.Tokens.Length);

    /// <summary>Examples per class; empty for language modelling.</summary>
    public IReadOnlyDictionary<int, int> Classes =>
        Examples.Where(example => example.Class is not null).CountBy(example => example.Class!.Value).ToDictionary();

    /// <summary>Reads and encodes a file, or a folder of files.</summary>
    /// <exception cref="FedLoraException">As <see cref="DataFile.Read"/>; <c>data-settings-invalid</c>.</exception>
    public static DataSet Load(string path, DataSettings settings, ModelInput input, CancellationToken cancellationToken) =>
        Of(DataFile.Read(path, Checked(settings, input), cancellationToken), settings, input, cancellationToken);

    /// <summary>Encodes what was read, by a model's tokenizer or image processor.</summary>
    /// <exception cref="FedLoraException"><c>data-settings-invalid</c>, <c>data-invalid</c>: not what the model reads;
    /// <c>chat-template-missing</c> for conversations.</exception>
    public static DataSet Of(DataFile file, DataSettings settings, ModelInput input, CancellationToken cancellationToken)
    {
        var encoder = input.Encoder(Checked(settings, input).MaxLength);
        var (examples, records, skipped) = (new List<Example>(file.Records.Count), new List<TextRecord>(file.Records.Count), file.Skipped);
        var (truncated, tokens) = (0, 0L);
        foreach (var record in file.Records)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                var (example, cut) = encoder.Encode(record, settings.Task, cancellationToken);
                examples.Add(example);
                records.Add(record);
                truncated += cut > 0 ? 1 : 0;
                tokens += cut;
            }
            catch (FedLoraException e) when (e.Code == "data-invalid" && settings.BadLines == BadLines.Skip)
            {
                skipped = skipped.And(e.Message);
            }
        }
        if (examples.Count == 0)
            throw DataFile.Empty(file.Records[0].Place, file.Records.Count, skipped);
        return new DataSet(examples, truncated, tokens, skipped)
        {
            Records = records,
            Units = settings.Unit is null ? null
                : [.. records.Index().GroupBy(record => record.Item.Unit, StringComparer.Ordinal)
                    .Select(unit => unit.Select(record => record.Index).ToArray())],
        };
    }

    /// <summary>Only what has something to learn, see <see cref="Trainer.Learnable"/>; without units.</summary>
    /// <exception cref="FedLoraException"><c>data-nothing-to-learn</c>.</exception>
    public DataSet Learnable(Architecture model)
    {
        var learnable = Examples.Zip(Records).Where(pair => Labels.CountOf(pair.First, model) > 0).ToArray();
        return learnable.Length > 0
            ? this with
            {
                Examples = [.. learnable.Select(pair => pair.First)],
                Records = [.. learnable.Select(pair => pair.Second)],
                Units = null
            }
            : throw Trainer.NothingToLearn();
    }

    private static DataSettings Checked(DataSettings settings, ModelInput input)
    {
        if (settings.MaxLength < LeastLength && input.Tokenizer is not null)
            throw new FedLoraException("data-settings-invalid",
                $"The maximum length is {settings.MaxLength}; it must be at least {LeastLength}.", "Raise the maximum length.");
        if (settings.Task == TextTask.SequenceClassification && settings.Labels.Count < 2)
            throw new FedLoraException("data-settings-invalid", "Classification wants at least two labels.",
                "Name the labels in the federation's settings.");
        return settings;
    }
}
