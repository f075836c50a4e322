namespace FedLora.Simulations.Demo;

/// <summary>One mail of the SpamAssassin corpus.</summary>
/// <param name="Source">The corpus folder it comes from, e.g. <c>hard-ham-1</c>.</param>
/// <param name="Name">Its file name.</param>
/// <param name="Text">The body as plain text in one line; no headers.</param>
public sealed record Mail(string Source, string Name, string Text)
{
    /// <summary>The labels of the task, in the order of the classes.</summary>
    public static IReadOnlyList<string> Labels { get; } = ["ham", "spam"];

    /// <summary><c>ham</c> or <c>spam</c>.</summary>
    public string Label => Source.StartsWith("spam", StringComparison.Ordinal) ? "spam" : "ham";
}
