using System.Runtime.CompilerServices;

namespace FedLora.Tests;

/// <summary>A theory over fixtures: skipped, saying so, where none of that kind is there (xUnit fails a theory without data).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FixtureTheoryAttribute : TheoryAttribute
{
    /// <param name="kind">Folder below the fixtures' root, e.g. <c>aggregation</c>.</param>
    /// <param name="pattern">Files that the theory reads.</param>
    public FixtureTheoryAttribute(string kind, string pattern, [CallerFilePath] string? sourceFilePath = null,
        [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (!Fixtures.Files(kind, pattern).Any())
            Skip = $"no {kind}/{pattern} below {Fixtures.Root}";
    }
}
