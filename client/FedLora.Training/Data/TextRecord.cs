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

    /// <summary>A conversation whose assistant's turns are learnt; <see cref="Text"/> is empty then.</summary>
    public Conversation? Conversation { get; init; }

    /// <summary>What the line calls its class, whether or not anybody asked; null where it does not say.</summary>
    public string? Label { get; init; }

    /// <summary>Whether it has a "label" that is neither a text nor a number: no class can be read of it.</summary>
    public bool IsLabelOdd { get; init; }

    /// <summary>An image file, as it is; <see cref="Text"/> is empty then. Null for texts.</summary>
    public byte[]? Image { get; init; }

    /// <summary>File and line, for errors.</summary>
    public string Place { get; init; } = "";

    /// <summary>The error that a reader of it gives.</summary>
    /// <param name="what">What is wrong with it: "is ...".</param>
    internal FedLoraException Bad(string what, Exception? inner = null) =>
        new("data-invalid", $"{Place} {what}.", "Mend the line, or leave such lines out with --on-bad-line skip.", inner!)
        {
            Data = { [FedLoraException.LineKey] = Line },
        };
}

/// <summary>What a data file is read for.</summary>
public enum TextTask
{
    /// <summary><c>{"text","label"}</c> or <c>{"image","label"}</c></summary>
    SequenceClassification,

    /// <summary><c>{"messages"}</c>, <c>{"prompt","completion"}</c> or <c>{"text"}</c>; what comes first here is taken where a line has
    /// several.</summary>
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
