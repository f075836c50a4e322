namespace FedLora.Cli.Output;

/// <summary>
/// Writes an error: <c>{"error":{"code","message","hint"}}</c> on standard output under <c>--json</c>, otherwise one line on standard
/// error.
/// </summary>
internal sealed class ErrorWriter(bool json, PrintedCommands commands, TextWriter output, TextWriter error)
{
    public void Write(string code, string message, string hint)
    {
        (message, hint) = (OneLine(message), commands.Complete(OneLine(hint)));
        if (json)
            output.WriteLine(Json.Document(new ErrorDocument(new ErrorText(code, message, hint)), oneLine: true));
        else
            error.WriteLine($"fedlora: {(message.EndsWith('?') ? message : $"{message.TrimEnd('.')}.")} {Sentence(hint)}");
    }

    // What others' libraries say may have several lines, and files' names control characters.
    private static string OneLine(string text) =>
        string.Join(' ', string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Split(' ', StringSplitOptions.RemoveEmptyEntries));

    // The hint follows a full stop.
    private static string Sentence(string hint) => hint.Length > 0 ? char.ToUpperInvariant(hint[0]) + hint[1..] : hint;
}

/// <summary>What is written under <c>--json</c> where a command fails.</summary>
internal sealed record ErrorDocument(ErrorText Error);

/// <param name="Code">A stable word.</param>
/// <param name="Message">One line: what is wrong, and where.</param>
/// <param name="Hint">One line: what to do.</param>
internal sealed record ErrorText(string Code, string Message, string Hint);
