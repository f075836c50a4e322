using System.Security.Cryptography;
using FedLora.Tokenizers;

namespace FedLora.Training.Data;

/// <summary>How a data file becomes examples.</summary>
/// <param name="Task">What it is read for.</param>
/// <param name="MaxLength">The most tokens of an example, special tokens included; at least 8.</param>
/// <param name="Labels">Classification: the federation's labels, in the order of the classes.</param>
/// <param name="BadLines">What becomes of lines that cannot be used.</param>
public sealed record DataSettings(TextTask Task, int MaxLength, IReadOnlyList<string> Labels, BadLines BadLines = BadLines.Stop);

/// <summary>
/// A tokenised data file: examples without padding (the trainer packs them by length), what was cut or left out, and a fingerprint.
/// </summary>
/// <param name="Examples">In the order of the file.</param>
/// <param name="Fingerprint">SHA-256 (hex) of the records' content, whatever their order, the file's name or the tokenizer: the privacy ledger's name of this data.</param>
/// <param name="Truncated">How many examples were cut to the maximum length.</param>
/// <param name="TruncatedTokens">How many tokens were cut off in all.</param>
/// <param name="Skipped">Lines that were left out.</param>
public sealed record DataSet(IReadOnlyList<Example> Examples, string Fingerprint, int Truncated, long TruncatedTokens, SkippedLines Skipped)
{
    private const int LeastLength = 8;

    /// <summary>Tokens of all examples.</summary>
    public long Tokens => Examples.Sum(example => (long)example.Tokens.Length);

    /// <summary>Examples per class; empty for language modelling.</summary>
    public IReadOnlyDictionary<int, int> Classes => Examples.Where(example => example.Class is not null).CountBy(example => example.Class!.Value).ToDictionary();

    /// <summary>Reads and tokenises a file.</summary>
    /// <exception cref="FedLoraException">As <see cref="JsonLines.Read"/>; <c>data-settings-invalid</c>.</exception>
    public static DataSet Load(string path, DataSettings settings, Tokenizer tokenizer, CancellationToken cancellationToken)
    {
        if (settings.MaxLength < LeastLength)
            throw new FedLoraException("data-settings-invalid", $"The maximum length is {settings.MaxLength}; it must be at least {LeastLength}.", "Raise the maximum length.");
        if (settings.Task == TextTask.SequenceClassification && settings.Labels.Count < 2)
            throw new FedLoraException("data-settings-invalid", "Classification wants at least two labels.", "Name the labels in the federation's settings.");
        var (records, skipped) = JsonLines.Read(path, settings.Task, settings.Labels, settings.BadLines, cancellationToken);
        return Of(records, settings, tokenizer, cancellationToken) with { Skipped = skipped };
    }

    /// <summary>Tokenises records.</summary>
    public static DataSet Of(IReadOnlyList<TextRecord> records, DataSettings settings, Tokenizer tokenizer, CancellationToken cancellationToken)
    {
        var encoder = new ExampleEncoder(tokenizer, settings.MaxLength);
        var examples = new List<Example>(records.Count);
        var (truncated, tokens) = (0, 0L);
        foreach (var record in records)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (example, cut) = settings.Task == TextTask.SequenceClassification ? encoder.Classify(record)
                : record.Prompt is null ? encoder.Text(record) : encoder.Completion(record);
            examples.Add(example);
            truncated += cut > 0 ? 1 : 0;
            tokens += cut;
        }
        return new DataSet(examples, FingerprintOf(records), truncated, tokens, new SkippedLines(0, []));
    }

    private static string FingerprintOf(IEnumerable<TextRecord> records)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var record in records.Select(record => Convert.ToHexStringLower(record.Hash())).Order(StringComparer.Ordinal))
            hash.AppendData(Convert.FromHexString(record));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
