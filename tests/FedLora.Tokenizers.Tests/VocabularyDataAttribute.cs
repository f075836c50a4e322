using System.Reflection;
using FedLora.Tests;
using Xunit.Sdk;
using Xunit.v3;

namespace FedLora.Tokenizers.Tests;

/// <summary>The tokenizer fixtures, those whose vocabulary is not here as skipped cases that say so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VocabularyDataAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        ITheoryDataRow[] rows = [.. TokenizerFixture.Names.Select(Row)];
        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(rows.Length > 0 ? rows : [new TheoryDataRow<string>("none") { Skip = $"no tokenizers below {Fixtures.Root}" }]);
    }

    public override bool SupportsDiscoveryEnumeration() => true;

    private static TheoryDataRow<string> Row(string name) =>
        new(name) { Skip = TokenizerFixture.Locate(name) is null ? "this vocabulary is not here; ./fedlora test fetches it" : null };
}
