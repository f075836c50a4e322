using System.Diagnostics;
using System.Text.Json.Nodes;
using FedLora.Tokenizers;
using Peer = global::Tokenizers.DotNet.Tokenizer;

namespace FedLora.Benchmarks.Tokenize;

/// <summary>One vocabulary on both sides.</summary>
internal static class TokenizeCase
{
    /// <summary>What can be measured: a byte pair encoding of every kind of splitting, and WordPiece.</summary>
    public static IReadOnlyList<string> Names { get; } = ["gemma3", "deepseek_v3", "llama3", "qwen3", "minilm"];

    /// <summary>Tokenises all texts on both sides once to compare ids, then in turns.</summary>
    public static TokenizeRow Run(string name, IReadOnlyList<NamedText> texts, int passes, CancellationToken cancellationToken)
    {
        using var file = new WholeTexts(name);
        var ours = Tokenizer.Load(file.Path);
        var peer = new Peer(file.Path);
        long ids = 0;
        var different = new List<string>();
        foreach (var text in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (mine, theirs) = (ours.Encode(text.Text).Ids, peer.Encode(text.Text));
            ids += theirs.Length;
            if (!mine.SequenceEqual(theirs.Select(id => (int)id)))
                different.Add(text.Name);
        }
        var (seconds, peerSeconds) = (new double[passes], new double[passes]);
        for (var pass = 0; pass < passes; pass++)
        {
            seconds[pass] = Time(text => ours.Encode(text), texts, cancellationToken);
            peerSeconds[pass] = Time(text => peer.Encode(text), texts, cancellationToken);
        }
        var characters = texts.Sum(text => (long)text.Length);
        return new TokenizeRow(name, characters / Median(seconds), characters / Median(peerSeconds),
            Median(seconds.Zip(peerSeconds, (mine, theirs) => theirs / mine)), ids, different.Count, different.FirstOrDefault());
    }

    private static double Time(Action<string> encode, IReadOnlyList<NamedText> texts, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var text in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            encode(text.Text);
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>A vocabulary's file without truncation and padding, so that both sides take the texts as they are.</summary>
    private sealed class WholeTexts : IDisposable
    {
        private readonly string? _copy;

        public WholeTexts(string name)
        {
            string[] places = [System.IO.Path.Combine(TokenizeTexts.Root, ".build", "tokenizers", name, "tokenizer.json"),
                System.IO.Path.Combine(TokenizeTexts.Root, "tests", "fixtures", "tokenizers", name, "tokenizer.json")];
            Path = Array.Find(places, File.Exists) ?? throw TokenizeTexts.Missing(places[0]);
            var root = JsonNode.Parse(File.ReadAllBytes(Path))!;
            if ((root["truncation"] ?? root["padding"]) is null)
                return;
            (root["truncation"], root["padding"]) = (null, null);
            Path = _copy = System.IO.Path.GetTempFileName();
            File.WriteAllText(_copy, root.ToJsonString());
        }

        public string Path { get; }

        public void Dispose()
        {
            if (_copy is not null)
                File.Delete(_copy);
        }
    }
}
