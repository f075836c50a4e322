using FedLora.Tokenizers;
using FedLora.Training.Data;

namespace FedLora.Simulations.Pretraining;

/// <summary>
/// Token windows to learn from, drawn and masked anew at every step. Which ones, and which tokens, depends on the seed and the step
/// alone, so that a run that was interrupted goes on as if it had not been.
/// </summary>
public sealed class MaskedTexts
{
    private const int LeastTail = 16;
    private const double FrequentWord = 1e-3;
    private readonly List<(double Share, List<int[]> Windows)> _sources = [];
    private readonly List<int[]> _beginnings = [];
    private readonly Lazy<double[]> _frequencies;
    private readonly double _maskedShare;
    private readonly int _start;
    private readonly int _end;
    private readonly int _mask;
    private readonly int _room;
    private readonly Tokenizer _tokenizer;

    /// <param name="tokenizer">With the tokens [CLS], [SEP] and [MASK].</param>
    /// <param name="maxLength">Tokens of a window, the special ones included.</param>
    /// <param name="maskedShare">Share of a window's tokens that is to be told, above 0 and below 1.</param>
    public MaskedTexts(Tokenizer tokenizer, int maxLength, double maskedShare)
    {
        _maskedShare = maskedShare;
        _tokenizer = tokenizer.With(null, null);
        _room = maxLength - 2;
        _frequencies = new Lazy<double[]>(Frequencies);
        (_start, _end, _mask) = (Require("[CLS]"), Require("[SEP]"), Require("[MASK]"));

        int Require(string token) => tokenizer.IdOf(token) ?? throw new InvalidOperationException($"The tokenizer has no {token}.");
    }

    /// <summary>The beginnings of texts that a classifier may see.</summary>
    public IReadOnlyList<int[]> Beginnings => _beginnings;

    /// <summary>Windows of all sources.</summary>
    public int Count => _sources.Sum(source => source.Windows.Count);

    /// <summary>Adds a source of texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="share">How often it is drawn, beside the other sources' shares.</param>
    /// <param name="keepBeginnings">Each text's beginning is a window of its own as well (as a classifier sees it).</param>
    public void Add(IEnumerable<string> texts, double share, bool keepBeginnings)
    {
        var windows = new List<int[]>();
        var stream = new List<int>();
        foreach (var text in texts)
        {
            var ids = _tokenizer.Encode(text, addSpecial: false).Ids;
            if (keepBeginnings && ids.Count >= LeastTail)
            {
                windows.Add(Window(ids.Take(_room)));
                _beginnings.Add(windows[^1]);
            }
            stream.AddRange(ids);
            stream.Add(_end);
            while (stream.Count >= _room)
            {
                windows.Add(Window(stream.Take(_room)));
                stream.RemoveRange(0, _room);
            }
        }
        if (windows.Count > 0)
            _sources.Add((share, windows));
    }

    /// <summary>All windows, weighted by how often each is drawn.</summary>
    public IEnumerable<(double Weight, int[] Window)> Weighted() =>
        _sources.SelectMany(source => source.Windows.Select(window => (Count * source.Share / source.Windows.Count, window)));

    /// <summary>
    /// The examples of a step. Of each window a share of the tokens is to be told: 80 % of them are masked, 10 % replaced by any other,
    /// 10 % left (Devlin et al. 2019, arXiv:1810.04805).
    /// </summary>
    /// <param name="size">Windows.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="step">Of the run.</param>
    /// <param name="summaryWords">
    /// Words of each window, before it was masked, that the first token shall tell (as in the bag-of-words decoders of Liu et al. 2022,
    /// arXiv:2205.12035, drawn instead of summed). A word of frequency f is taken with probability min(1, sqrt(1e-3 / f)) (Mikolov et al.
    /// 2013, arXiv:1310.4546), so that content counts.
    /// </param>
    public IReadOnlyList<Example> Batch(int size, int seed, int step, int summaryWords = 0)
    {
        var random = new Random(HashCode(seed, step));
        return [.. Enumerable.Range(0, size).Select(_ =>
        {
            var window = Draw(random);
            var example = Mask(window, random);
            return summaryWords == 0 ? example : example with { Summary = Words(window, summaryWords, random) };
        })];
    }

    private int[] Draw(Random random)
    {
        var place = random.NextDouble() * _sources.Sum(source => source.Share);
        foreach (var (share, windows) in _sources)
        {
            if ((place -= share) < 0)
                return windows[random.Next(windows.Count)];
        }
        return _sources[^1].Windows[0];
    }

    private Example Mask(int[] window, Random random)
    {
        var tokens = (int[])window.Clone();
        var labels = new int[tokens.Length];
        Array.Fill(labels, Example.NoLabel);
        var wanted = Math.Max(1, (int)Math.Round(_maskedShare * (tokens.Length - 2)));
        while (wanted-- > 0)
        {
            var place = random.Next(1, tokens.Length - 1);
            if (window[place] == _end)
                continue;
            labels[place] = window[place];
            tokens[place] = random.Next(10) switch { < 8 => _mask, 8 => random.Next(_tokenizer.Size), _ => window[place] };
        }
        // Each window tells at least one token.
        if (Array.TrueForAll(labels, label => label == Example.NoLabel))
            (labels[1], tokens[1]) = (window[1], _mask);
        return new Example(tokens) { Labels = labels };
    }

    private int[] Words(int[] window, int count, Random random)
    {
        var words = new List<int>(count);
        // A window of nothing but frequent words gives fewer.
        for (var tries = 0; words.Count < count && tries < 40 * count; tries++)
        {
            var word = window[random.Next(1, window.Length - 1)];
            if (word != _end && random.NextDouble() < Math.Sqrt(FrequentWord / _frequencies.Value[word]))
                words.Add(word);
        }
        return [.. words];
    }

    private double[] Frequencies()
    {
        var counts = new double[_tokenizer.Size];
        foreach (var (weight, window) in Weighted())
        {
            foreach (var word in window.AsSpan(1, window.Length - 2))
                counts[word] += weight;
        }
        var total = counts.Sum();
        return [.. counts.Select(count => count / total)];
    }

    private int[] Window(IEnumerable<int> ids) => [_start, .. ids, _end];

    // Neighbouring seeds and steps must not give neighbouring generators (splitmix64's finaliser).
    private static int HashCode(int seed, int step)
    {
        var z = ((ulong)(uint)seed << 32 | (uint)step) + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)(z ^ (z >> 31));
    }
}
