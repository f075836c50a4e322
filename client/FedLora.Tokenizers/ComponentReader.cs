using FedLora.Tokenizers.Decoders;
using FedLora.Tokenizers.Normalizers;
using FedLora.Tokenizers.PostProcessors;
using FedLora.Tokenizers.PreTokenizers;
using FedLora.Tokenizers.Text;

namespace FedLora.Tokenizers;

/// <summary>Makes the components of a tokenizer from their JSON; a type that is not known is an error that names it.</summary>
internal static class ComponentReader
{
    public static INormalizer Normalizer(JsonNode node) => node.Type switch
    {
        "Sequence" => new NormalizerSequence([.. node["normalizers"].Items().Select(Normalizer)]),
        "BertNormalizer" =>
            new BertNormalizer(node.Flag("clean_text", true), node.Flag("handle_chinese_chars", true),
                node.Flag("strip_accents", node.Flag("lowercase", true)), node.Flag("lowercase", true)),
        "NFC" => new UnicodeNormalizer(compose: true, compatibility: false),
        "NFD" => new UnicodeNormalizer(compose: false, compatibility: false),
        "NFKC" => new UnicodeNormalizer(compose: true, compatibility: true),
        "NFKD" => new UnicodeNormalizer(compose: false, compatibility: true),
        "Lowercase" => new Lowercase(),
        "StripAccents" => new Drop(UnicodeData.Marks),
        "Strip" => new Strip(node.Flag("strip_left", true), node.Flag("strip_right", true)),
        "Prepend" => new Prepend(node.Text("prepend")),
        "Replace" => new Replace(Pattern(node["pattern"]), node.Text("content")),
        "ByteLevel" => new ByteLevelNormalizer(),
        _ => throw node.Unsupported("normalizer",
            "Sequence, BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, ByteLevel"),
    };

    public static IPreTokenizer PreTokenizer(JsonNode node) => node.Type switch
    {
        "Sequence" => new PreTokenizerSequence([.. node["pretokenizers"].Items().Select(PreTokenizer)]),
        "BertPreTokenizer" => new BertPreTokenizer(),
        "ByteLevel" => new ByteLevel(node.Flag("add_prefix_space", true), node.Flag("use_regex", true)),
        "Split" => new PatternSplit(Pattern(node["pattern"]), Behavior(node), node.Flag("invert")),
        "Digits" => new SetSplit(UnicodeData.Numeric, node.Flag("individual_digits") ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new SetSplit(UnicodeData.Punctuation, Behavior(node)),
        "Whitespace" => new PatternSplit(RunePattern.Compile(@"\w+|[^\w\s]+"), SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new SetSplit(UnicodeData.WhiteSpace, SplitBehavior.Removed),
        "CharDelimiterSplit" => new PatternSplit(RunePattern.Literal(node.Text("delimiter")), SplitBehavior.Removed, invert: false),
        "Metaspace" => new Metaspace(node.Character("replacement"), PrependScheme(node), node.Flag("split", true)),
        _ => throw node.Unsupported("pre-tokenizer",
            "Sequence, BertPreTokenizer, ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, "
                + "Metaspace"),
    };

    public static IPostProcessor PostProcessor(JsonNode node) => node.Type switch
    {
        "Sequence" => new PostProcessorSequence([.. node["processors"].Items().Select(PostProcessor)]),
        "TemplateProcessing" => Template(node),
        "BertProcessing" => BertTemplate(Special(node["cls"]), Special(node["sep"])),
        "RobertaProcessing" =>
            new RobertaProcessing(Special(node["cls"]), Special(node["sep"]), node.Flag("trim_offsets", true),
                node.Flag("add_prefix_space", true)),
        "ByteLevel" => new ByteLevelProcessing(node.Flag("trim_offsets", true), node.Flag("add_prefix_space", true)),
        _ => throw node.Unsupported("post-processor", "Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel"),
    };

    public static IDecoder Decoder(JsonNode node) => node.Type switch
    {
        "Sequence" => new DecoderSequence([.. node["decoders"].Items().Select(Decoder)]),
        "ByteLevel" => new ByteLevelDecoder(),
        "WordPiece" => new WordPieceDecoder(node.Text("prefix", "##"), node.Flag("cleanup", true)),
        "BPEDecoder" => new BpeDecoder(node.Text("suffix", "</w>")),
        "Metaspace" => new MetaspaceDecoder(node.Text("replacement"), PrependScheme(node) != "never"),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Strip" => new StripDecoder(node.Character("content"), node.Number("start"), node.Number("stop")),
        "Replace" => new ReplaceDecoder(Pattern(node["pattern"]), node.Text("content")),
        _ => throw node.Unsupported("decoder", "Sequence, ByteLevel, WordPiece, BPEDecoder, Metaspace, ByteFallback, Fuse, Strip, Replace"),
    };

    private static RunePattern Pattern(JsonNode node)
    {
        if (node["String"] is { IsNull: false } literal)
            return RunePattern.Literal(literal.AsText());
        try
        {
            return RunePattern.Compile(node.Text("Regex"));
        }
        catch (FormatException e)
        {
            throw node.Error($"cannot be used: {e.Message}");
        }
    }

    private static SplitBehavior Behavior(JsonNode node) =>
        Enum.TryParse<SplitBehavior>(node.Text("behavior", "Isolated"), out var behavior) ? behavior
            : throw node["behavior"].Error("is not known");

    private static string PrependScheme(JsonNode node)
    {
        var scheme = node.Text("prepend_scheme", node.Flag("add_prefix_space", true) ? "always" : "never");
        return scheme is "always" or "first" or "never" ? scheme : throw node["prepend_scheme"].Error("is not known");
    }

    private static Token Special(JsonNode node)
    {
        node.Expect(System.Text.Json.JsonValueKind.Array);
        var items = node.Items().ToList();
        return items.Count == 2 ? new Token(items[1].AsNumber(), items[0].AsText(), default, Added: true)
            : throw node.Error("should be a token and its id");
    }

    private static Template BertTemplate(Token start, Token end)
    {
        TemplatePart[] single = [new(-1, 0, [start]), new(0, 0, []), new(-1, 0, [end])];
        return new Template(single, [.. single, new(1, 1, []), new(-1, 1, [end with { TypeId = 1 }])]);
    }

    private static Template Template(JsonNode node)
    {
        var special = node["special_tokens"];
        return new Template([.. node["single"].Items().Select(part => TemplatePart(part, special, ["A"]))],
            [.. node["pair"].Items().Select(part => TemplatePart(part, special, ["A", "B"]))]);
    }

    private static TemplatePart TemplatePart(JsonNode node, JsonNode special, string[] texts)
    {
        if (node["Sequence"] is { IsNull: false } sequence)
        {
            var text = Array.IndexOf(texts, sequence.Text("id"));
            return text >= 0 ? new TemplatePart(text, sequence.Number("type_id"), [])
                : throw sequence["id"].Error($"is none of the texts here: {string.Join(", ", texts)}");
        }

        var piece = node["SpecialToken"];
        var typeId = piece.Number("type_id");
        var token = special[piece.Text("id")];
        var tokens = token["ids"].Items()
            .Zip(token["tokens"].Items(), (id, text) => new Token(id.AsNumber(), text.AsText(), default, typeId, Added: true));
        return new TemplatePart(-1, typeId, [.. tokens]);
    }
}
