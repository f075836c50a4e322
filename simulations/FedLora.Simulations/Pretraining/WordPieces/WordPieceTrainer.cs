using FedLora.Tokenizers.Normalizers;
using FedLora.Tokenizers.PreTokenizers;
using FedLora.Tokenizers.Text;

namespace FedLora.Simulations.Pretraining.WordPieces;

/// <summary>
/// Learns a WordPiece vocabulary as Hugging Face's trainer does: words begin as single characters (continuing ones with
/// <c>##</c>), and the pair of neighbours that is most frequent over all words becomes a new piece, until the vocabulary is full.
/// Equal counts are decided by the pieces' order of appearance, so equal texts give equal vocabularies.
/// </summary>
public sealed class WordPieceTrainer
{
    private const string Continuing = "##";
    private const int LongestWord = 50;
    private readonly BertNormalizer _normalizer = new(clean: true, padIdeographs: true, stripAccents: true, lowercase: true);
    private readonly BertPreTokenizer _preTokenizer = new();
    private readonly AlignedText _text = new();
    private readonly PieceText _pieces = new();
    private readonly Dictionary<string, int> _words = [];

    /// <summary>The special tokens, which take the first ids.</summary>
    public static IReadOnlyList<string> SpecialTokens { get; } = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Counts the words of a text.</summary>
    public void Add(string text)
    {
        _text.Set(text);
        _normalizer.Apply(_text);
        _pieces.Clear();
        _pieces.Text.Append(_text);
        _pieces.Add(new Piece(0, _text.Count));
        _pieces.CommitPieces();
        _preTokenizer.Apply(_pieces);
        foreach (var piece in _pieces.Pieces)
        {
            if (piece.Length > LongestWord)
                continue;
            var word = string.Concat(_pieces.Runes(piece).ToArray().Select(char.ConvertFromUtf32));
            _words[word] = _words.GetValueOrDefault(word) + 1;
        }
    }

    /// <summary>Learns the vocabulary, in the order of its ids.</summary>
    /// <param name="size">Number of pieces, special tokens included.</param>
    /// <param name="alphabet">At most so many different characters, the most frequent; words with others are left to the unknown
    /// token.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public IReadOnlyList<string> Train(int size, int alphabet, CancellationToken cancellationToken)
    {
        var vocabulary = new PieceVocabulary(SpecialTokens);
        var kept = Characters().OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(alphabet).Select(pair => pair.Key)
            .Order().ToHashSet();
        foreach (var rune in kept.Order())
            vocabulary.Add(char.ConvertFromUtf32(rune));
        foreach (var rune in kept.Order())
            vocabulary.Add(Continuing + char.ConvertFromUtf32(rune));
        var merger = new PairMerger();
        foreach (var (word, count) in _words.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var runes = word.EnumerateRunes().Select(rune => rune.Value).ToArray();
            if (Array.TrueForAll(runes, kept.Contains))
                merger.AddWord([.. runes.Select((rune, i) => vocabulary.IdOf((i == 0 ? "" : Continuing) + char.ConvertFromUtf32(rune)))],
                    count);
        }
        while (vocabulary.Count < size && merger.TryTakeBest(out var left, out var right))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var piece = vocabulary[left] + vocabulary[right][Continuing.Length..];
            merger.Merge(left, right, vocabulary.Add(piece));
        }
        return vocabulary.Pieces;
    }

    private Dictionary<int, long> Characters()
    {
        var counts = new Dictionary<int, long>();
        foreach (var (word, count) in _words)
        {
            foreach (var rune in word.EnumerateRunes())
                counts[rune.Value] = counts.GetValueOrDefault(rune.Value) + count;
        }
        return counts;
    }

    private sealed class PieceVocabulary(IEnumerable<string> first)
    {
        private readonly List<string> _pieces = [.. first];
        private readonly Dictionary<string, int> _ids = [];

        public int Count => _pieces.Count;

        public IReadOnlyList<string> Pieces => _pieces;

        public string this[int id] => _pieces[id];

        public int IdOf(string piece) => _ids[piece];

        public int Add(string piece)
        {
            // Two pairs may spell the same piece.
            if (_ids.TryGetValue(piece, out var id))
                return id;
            _ids[piece] = _pieces.Count;
            _pieces.Add(piece);
            return _pieces.Count - 1;
        }
    }
}
