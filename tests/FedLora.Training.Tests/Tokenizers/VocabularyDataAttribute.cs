using System.Reflection;
using FedLora.Tests;
using Xunit.Sdk;

namespace FedLora.Training.Tests.Tokenizers;

/// <summary>The tokenizer fixtures whose vocabulary is here.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VocabularyDataAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => TokenizerFixture.Names.Where(name => TokenizerFixture.Locate(name) is not null).Select(name => new object[] { name });
}

/// <summary>One skipped case that names the fixtures whose vocabulary is not here; none where all are.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MissingVocabularyDataAttribute : DataAttribute
{
    private readonly string[] _missing = [.. TokenizerFixture.Names.Where(name => TokenizerFixture.Locate(name) is null)];

    public MissingVocabularyDataAttribute()
    {
        if (_missing.Length > 0)
            Skip = $"vocabularies that ./fedlora test fetches and that are not here: {string.Join(", ", _missing)}";
        else if (!TokenizerFixture.Names.Any())
            Skip = $"no tokenizers below {Fixtures.Root}";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => _missing.Select(name => new object[] { name });
}
