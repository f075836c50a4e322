namespace FedLora.Core;

/// <summary>
/// Something that a user can mend: says what is wrong and where (<see cref="Exception.Message"/>, one line) and what to do
/// (<see cref="Hint"/>). The command line prints both and ends with exit code 1.
/// </summary>
/// <param name="code">Stable word for programs, in kebab case, e.g. <c>safetensors-invalid</c>.</param>
/// <param name="message">One line: what is wrong, and where.</param>
/// <param name="hint">One line: what to do about it.</param>
/// <param name="inner">What caused it, if anything.</param>
public sealed class FedLoraException(string code, string message, string hint, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Key in <see cref="Exception.Data"/> of the line of a data file (an int, from 1) that the message is about.</summary>
    public const string LineKey = "line";

    /// <summary>Stable word for programs, in kebab case.</summary>
    public string Code { get; } = code;

    /// <summary>One line: what to do about it.</summary>
    public string Hint { get; } = hint;
}
