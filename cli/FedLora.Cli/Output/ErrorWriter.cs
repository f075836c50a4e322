namespace FedLora.Cli.Output;

/// <summary>
/// Writes an error: <c>{"error":{"code","message","hint"}}</c> on standard output under <c>--json</c>, otherwise one line on standard error.
/// </summary>
internal sealed class ErrorWriter(bool json, TextWriter output, TextWriter error)
{
    public void Write(string code, string message, string hint)
    {
        if (json)
            output.WriteLine(Json.Write(new { Error = new { Code = code, Message = message, Hint = hint } }));
        else
            error.WriteLine($"fedlora: {message.ReplaceLineEndings(" ").TrimEnd('.')}. {Sentence(hint)}");
    }

    // The hint follows a full stop.
    private static string Sentence(string hint) => hint.Length > 0 ? char.ToUpperInvariant(hint[0]) + hint[1..] : hint;
}
