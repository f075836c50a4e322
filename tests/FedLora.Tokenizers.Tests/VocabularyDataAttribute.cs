using System.Reflection;
using FedLora.Tests;
using Xunit.Sdk;
using Xunit.v3;

namespace FedLora.Tokenizers.Tests;

/// <summary>The tokenizer fixtures, and other vocabularies, those that are not here as skipped cases that say so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VocabularyDataAttribute(params string[] others) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        ITheoryDataRow[] rows = [.. TokenizerFixture.Names.Concat(others).Select(Row)];
        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
            rows.Length > 0 ? rows : [new TheoryDataRow<string>("none") { Skip = $"no tokenizers below {Fixtures.Root}" }]);
    }

    public override bool SupportsDiscoveryEnumeration() => true;

    private static TheoryDataRow<string> Row(string name) =>
        new(name) { Skip = TokenizerFixture.Locate(name) is null ? "this vocabulary is not here; ./fedlora test fetches it" : null };
}
