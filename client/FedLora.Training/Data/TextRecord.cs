using System.Security.Cryptography;
using System.Text;

namespace FedLora.Training.Data;

/// <summary>One line of a data file.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Prompt">The text before what is learnt; null where all of <paramref name="Text"/> is.</param>
/// <param name="Text">The text to classify, to learn, or to complete the prompt with.</param>
/// <param name="Class">Classification: index of its label; else null.</param>
/// <param name="Label">Classification: its label; else null.</param>
public sealed record TextRecord(int Line, string? Prompt, string Text, int? Class, string? Label)
{
    /// <summary>SHA-256 of the content: the same wherever the line stands and however its JSON is written.</summary>
    internal byte[] Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var field in (string?[])[Prompt, Text, Label])
        {
            var bytes = field is null ? [] : Encoding.UTF8.GetBytes(field);
            hash.AppendData(BitConverter.GetBytes(field is null ? -1 : bytes.Length));
            hash.AppendData(bytes);
        }
        return hash.GetHashAndReset();
    }
}

/// <summary>What a data file is read for.</summary>
public enum TextTask
{
    /// <summary><c>{"text","label"}</c></summary>
    SequenceClassification,

    /// <summary><c>{"text"}</c> or <c>{"prompt","completion"}</c></summary>
    CausalLanguageModelling,
}

/// <summary>What becomes of a line that cannot be used.</summary>
public enum BadLines
{
    /// <summary>It ends the reading with an error that names it.</summary>
    Stop,

    /// <summary>It is left out and counted.</summary>
    Skip,
}
