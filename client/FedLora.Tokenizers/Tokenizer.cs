using System.Collections.Concurrent;
using FedLora.Tokenizers.Chat;
using FedLora.Tokenizers.Decoders;
using FedLora.Tokenizers.Models;
using FedLora.Tokenizers.PostProcessors;
using FedLora.Tokenizers.PreTokenizers;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers;

/// <summary>
/// A tokenizer as Hugging Face's <c>tokenizer.json</c> describes it, with the results of their library. Safe for many threads.
/// </summary>
public sealed class Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly ConcurrentBag<Workspace> _workspaces = [];

    internal Tokenizer(TokenizerParts parts, SpecialTokens special, Truncation? truncation, Padding? padding)
    {
        _parts = parts;
        (Special, Truncation, Padding) = (special, truncation, padding);
        Size = Math.Max(parts.Model.Vocabulary.Size, parts.Added.All.Select(token => token.Id + 1).DefaultIfEmpty().Max());
    }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">A model folder, or its <c>tokenizer.json</c>.</param>
    /// <exception cref="FedLoraException"><c>tokenizer-missing</c>, <c>tokenizer-invalid</c>, or <c>tokenizer-unsupported</c>, which names
    /// the component.</exception>
    public static Tokenizer Load(string path) => TokenizerFile.Load(path);

    /// <summary>How the model writes conversations; null where its folder does not say.</summary>
    /// <exception cref="FedLoraException"><c>chat-template-invalid</c>.</exception>
    public ChatTemplate? ChatTemplate => Template?.Value;

    // Read when somebody asks: what cannot be used is no fault of who tokenises texts.
    internal Lazy<ChatTemplate?>? Template { get; init; }

    /// <summary>The largest id plus one.</summary>
    public int Size { get; }

    /// <summary>The tokens with a role.</summary>
    public SpecialTokens Special { get; }

    /// <summary>Tokens that are cut out of the text before anything else.</summary>
    public IReadOnlyCollection<AddedToken> AddedTokens => _parts.Added.All;

    /// <summary>How too long texts are cut, or null: not at all.</summary>
    public Truncation? Truncation { get; }

    /// <summary>How encodings are filled up, or null: not at all.</summary>
    public Padding? Padding { get; }

    /// <summary>The same tokenizer with other truncation and padding than its file asks for.</summary>
    public Tokenizer With(Truncation? truncation, Padding? padding) => new(_parts, Special, truncation, padding) { Template = Template };

    /// <summary>The id of a token, or null.</summary>
    public int? IdOf(string? token)
    {
        if (token is null)
            return null;
        foreach (var added in _parts.Added.All)
        {
            if (added.Content == token)
                return added.Id;
        }
        return _parts.Model.Vocabulary.Find(token) is >= 0 and var id ? id : null;
    }

    /// <summary>The token of an id, or null.</summary>
    public string? TokenOf(int id) => _parts.Added.Decoded(id) ?? _parts.Model.Vocabulary.Token(id);

    /// <summary>Tokenises one text.</summary>
    /// <param name="text">The text; a lone surrogate counts as U+FFFD.</param>
    /// <param name="addSpecial">Add what the post-processor adds.</param>
    public EncodedText Encode(string text, bool addSpecial = true) => Fill(Process(text, null, addSpecial));

    /// <summary>Tokenises a pair of texts.</summary>
    public EncodedText Encode(string first, string second, bool addSpecial = true) => Fill(Process(first, second, addSpecial));

    /// <summary>Tokenises many texts and fills them up to one length where padding asks for it.</summary>
    public IReadOnlyList<EncodedText> EncodeBatch(IEnumerable<string> texts, bool addSpecial = true)
    {
        var all = texts.Select(text => Process(text, null, addSpecial)).ToList();
        var longest = all.Count == 0 ? 0 : all.Max(item => item.Tokens.Count);
        return [.. all.Select(item => Fill(item, longest))];
    }

    /// <summary>Turns ids back into text. Ids that do not exist are left out.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecial">Leave special tokens out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecial = true)
    {
        var tokens = new List<string>();
        foreach (var id in ids)
        {
            if (TokenOf(id) is { } token && !(skipSpecial && _parts.Added.IsSpecial(id)))
                tokens.Add(token);
        }
        return _parts.Decoder is null ? string.Join(' ', tokens) : string.Concat(_parts.Decoder.Decode(tokens));
    }

    private (List<Token> Tokens, int Truncated) Process(string text, string? pair, bool addSpecial)
    {
        List<List<Token>> texts = pair is null ? [Tokens(text, 0)] : [Tokens(text, 0), Tokens(pair, 1)];
        var added = addSpecial ? _parts.PostProcessor?.Added(pair is not null) ?? 0 : 0;
        var cut = Truncation?.Apply(texts[0], pair is null ? null : texts[1], added) ?? 0;
        var result = _parts.PostProcessor?.Apply(texts, addSpecial) ?? texts;
        if (result.Count == 1)
            return (result[0], cut);
        var all = new List<Token>(result.Sum(part => part.Count));
        foreach (var part in result)
            all.AddRange(part);
        return (all, cut);
    }

    private List<Token> Tokens(string text, int typeId)
    {
        if (!_workspaces.TryTake(out var work))
            work = new Workspace();
        work.Source.Set(text);
        _parts.Added.Extract(work.Source, work.Segment, work.Pieces);
        _parts.PreTokenizer?.Apply(work.Pieces);
        var tokens = new List<Token>(work.Pieces.Text.Count / 3 + 4);
        foreach (var piece in work.Pieces.Pieces)
        {
            if (piece.Token >= 0)
            {
                var last = piece.Start + piece.Length - 1;
                var span = new TextSpan(work.Pieces.Text.From(piece.Start), work.Pieces.Text.To(last));
                tokens.Add(new Token(piece.Token, AddedText(work, piece), span, typeId));
                continue;
            }
            work.Tokens.Clear();
            var runes = work.Pieces.Runes(piece);
            _parts.Model.Tokenize(runes, work.Model, work.Tokens);
            Locate(work, piece, runes, typeId, tokens);
        }
        _workspaces.Add(work);
        return tokens;
    }

    // As in the library, the text of an added token has the white space that it took with it.
    private string AddedText(Workspace work, Piece piece)
    {
        var content = TokenOf(piece.Token)!;
        return piece.Length == content.Length ? content : string.Concat(work.Pieces.Runes(piece).ToArray().Select(char.ConvertFromUtf32));
    }

    // Bytes of the piece to code points of the original: a token spans every code point of which it has a byte.
    private void Locate(Workspace work, Piece piece, ReadOnlySpan<int> runes, int typeId, List<Token> tokens)
    {
        int rune = 0, runeStart = 0, position = 0;
        foreach (var token in work.Tokens)
        {
            var first = Advance(runes, ref rune, ref runeStart, position);
            position += token.Bytes;
            var last = Advance(runes, ref rune, ref runeStart, position - 1);
            var span = new TextSpan(work.Pieces.Text.From(piece.Start + first), work.Pieces.Text.To(piece.Start + last));
            tokens.Add(new Token(token.Id, _parts.Model.Vocabulary.Token(token.Id)!, span, typeId));
        }
    }

    private static int Advance(ReadOnlySpan<int> runes, ref int rune, ref int start, int position)
    {
        while (rune < runes.Length - 1 && start + Utf8.Length(runes[rune]) <= position)
            start += Utf8.Length(runes[rune++]);
        return rune;
    }

    private EncodedText Fill((List<Token> Tokens, int Truncated) item, int longest = 0)
    {
        var (tokens, truncated) = item;
        var count = tokens.Count;
        var target = Math.Max(count, Padding?.Target(Math.Max(longest, count)) ?? 0);
        var before = Padding?.Direction == Side.Left ? target - count : 0;
        var (ids, types, special, attention) = (new int[target], new int[target], new int[target], new int[target]);
        var (texts, offsets) = (new string[target], new TextSpan[target]);
        for (var i = 0; i < target; i++)
        {
            var token = i >= before && i < before + count ? tokens[i - before]
                : new Token(Padding!.Id, Padding.Token, default, Padding.TypeId, Added: true);
            (ids[i], types[i], texts[i], offsets[i]) = (token.Id, token.TypeId, token.Text, token.Offset);
            special[i] = token.Added ? 1 : 0;
            attention[i] = i >= before && i < before + count ? 1 : 0;
        }
        return new EncodedText(ids, types, texts, offsets, special, attention, truncated);
    }

    private sealed class Workspace
    {
        public AlignedText Source { get; } = new();

        public AlignedText Segment { get; } = new();

        public PieceText Pieces { get; } = new();

        public ModelScratch Model { get; } = new();

        public List<ModelToken> Tokens { get; } = [];
    }
}

/// <summary>What a tokenizer is made of.</summary>
internal sealed record TokenizerParts(IModel Model, AddedTokens Added, IPreTokenizer? PreTokenizer, IPostProcessor? PostProcessor,
    IDecoder? Decoder);
