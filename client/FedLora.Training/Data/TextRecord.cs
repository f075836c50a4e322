namespace FedLora.Training.Data;

/// <summary>One line of a data file.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Prompt">The text before what is learnt; null where all of <paramref name="Text"/> is.</param>
/// <param name="Text">The text to classify, to learn, or to complete the prompt with.</param>
/// <param name="Class">Classification: index of its label; else null.</param>
public sealed record TextRecord(int Line, string? Prompt, string Text, int? Class)
{
    /// <summary>The value of the field that makes lines one unit of privacy; null where each line is one.</summary>
    public string? Unit { get; init; }
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
