using FedLora.Tokenizers.Models;

namespace FedLora.Tokenizers.Tests;

/// <summary>
/// The merges against the definition: of all neighbours the pair of the lowest rank, leftmost first, is merged until none is left.
/// </summary>
public sealed class BpeModelTests
{
    private const string Letters = "abcdef";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tokens_are_those_of_the_definition(bool fuseUnknown)
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var (vocabulary, pairs) = Generate(random, merges: random.Next(1, 40));
            var merges = new MergeTable(pairs.Count);
            foreach (var (left, right) in pairs)
                merges.Add(vocabulary[left], vocabulary[right], vocabulary[left + right]);
            var model = new BpeModel(new Vocabulary(vocabulary), merges, new BpeOptions(0, "", "", fuseUnknown, false, false));
            var scratch = new ModelScratch();
            for (var i = 0; i < 20; i++)
            {
                // x and y are not in the vocabulary.
                var text = new string(
                    [.. Enumerable.Range(0, random.Next(1, 200))
                        .Select(_ => random.Next(30) == 0 ? "xy"[random.Next(2)] : Letters[random.Next(Letters.Length)])]);
                var tokens = new List<ModelToken>();
                model.Tokenize([.. text.Select(c => (int)c)], scratch, tokens);
                Assert.Equal(Defined(text, vocabulary, pairs, fuseUnknown), tokens.Select(token => token.Id));
                Assert.Equal(text.Length, tokens.Sum(token => token.Bytes));
            }
        }
    }

    private static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Pairs) Generate(Random random, int merges)
    {
        var tokens = new List<string> { "?" };
        tokens.AddRange(Letters.Select(letter => letter.ToString()));
        var pairs = new List<(string, string)>();
        for (var i = 0; i < merges; i++)
        {
            var pair = (tokens[random.Next(1, tokens.Count)], tokens[random.Next(1, tokens.Count)]);
            if (pairs.Contains(pair))
                continue;
            pairs.Add(pair);
            if (!tokens.Contains(pair.Item1 + pair.Item2))
                tokens.Add(pair.Item1 + pair.Item2);
        }
        return (tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id), pairs);
    }

    private static List<int> Defined(string text, Dictionary<string, int> vocabulary, List<(string Left, string Right)> pairs,
        bool fuseUnknown)
    {
        var symbols = new List<string>();
        foreach (var letter in text.Select(c => vocabulary.ContainsKey(c.ToString()) ? c.ToString() : "?"))
        {
            if (!(fuseUnknown && letter == "?" && symbols is [.., "?"]))
                symbols.Add(letter);
        }
        while (true)
        {
            var neighbours = symbols.Zip(symbols.Skip(1)).Select((pair, at) => (Rank: pairs.IndexOf(pair), At: at))
                .Where(found => found.Rank >= 0).ToList();
            if (neighbours.Count == 0)
                return symbols.ConvertAll(symbol => vocabulary[symbol]);
            var best = neighbours.Min();
            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }
}
