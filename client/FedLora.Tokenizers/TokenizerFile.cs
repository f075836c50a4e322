using System.Text.Json;
using FedLora.Tokenizers.Chat;
using FedLora.Tokenizers.Models;

namespace FedLora.Tokenizers;

/// <summary>Reads a whole <c>tokenizer.json</c>.</summary>
internal static class TokenizerFile
{
    private const int LargestId = 1 << 24;

    public static Tokenizer Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        if (!File.Exists(file))
            throw new FedLoraException("tokenizer-missing", $"There is no tokenizer at {file}.",
                "Name a model folder that holds a tokenizer.json.");
        try
        {
            var bytes = File.ReadAllBytes(file);
            if (LfsPointer.MayBeOne(bytes))
                throw LfsPointer.Refused(file, "tokenizer-invalid");
            using var document = JsonDocument.Parse(bytes);
            return Read(new JsonNode(document.RootElement, "", file), Path.GetDirectoryName(Path.GetFullPath(file))!);
        }
        catch (JsonException e)
        {
            throw new FedLoraException("tokenizer-invalid", $"{file} is not valid JSON: {e.Message}",
                "Fetch the file again from where the model came from.", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // Half a surrogate pair where a character belongs.
            throw new FedLoraException("tokenizer-invalid", $"{file} cannot be read: {e.Message}",
                "Fetch the file again from where the model came from.", e);
        }
    }

    private static Tokenizer Read(JsonNode root, string folder)
    {
        var model = ReadModel(root["model"]);
        var normalizer = root["normalizer"] is { IsNull: false } n ? ComponentReader.Normalizer(n) : null;
        var added = new AddedTokens(
            root["added_tokens"] is { IsNull: false } list ? list.Items().Select(item => ReadAdded(item, model.Vocabulary)) : [],
            normalizer);
        var preTokenizer = root["pre_tokenizer"] is { IsNull: false } pre ? ComponentReader.PreTokenizer(pre) : null;
        // One code point instead of up to four characters on the way from the text to the model.
        if (preTokenizer?.WithoutBytes() is { } plain && (model as BpeModel)?.TakingBytes() is { } takingBytes)
            (preTokenizer, model) = (plain, takingBytes);
        var parts = new TokenizerParts(
            model,
            added,
            preTokenizer,
            root["post_processor"] is { IsNull: false } post ? ComponentReader.PostProcessor(post) : null,
            root["decoder"] is { IsNull: false } decoder ? ComponentReader.Decoder(decoder) : null);
        return new Tokenizer(parts, SpecialTokens.Load(folder), ReadTruncation(root["truncation"]), ReadPadding(root["padding"]))
        {
            Template = new Lazy<ChatTemplate?>(() => ChatTemplate.Load(folder)),
        };
    }

    private static AddedToken ReadAdded(JsonNode node, Vocabulary vocabulary)
    {
        var content = node.Text("content");
        var id = vocabulary.Find(content) is >= 0 and var known ? known : Id(node["id"]);
        var special = node.Flag("special");
        return new AddedToken(id, content, node.Flag("single_word"), node.Flag("lstrip"), node.Flag("rstrip"),
            node.Flag("normalized", !special), special);
    }

    private static IModel ReadModel(JsonNode node)
    {
        // Early files leave the type out: a BPE has merges.
        var type = node["type"].IsNull ? node["merges"].IsNull ? "WordPiece" : "BPE" : node.Type;
        if (type is not ("BPE" or "WordPiece"))
            throw node.Unsupported("model", "BPE, WordPiece");
        var vocabulary = ReadVocabulary(node["vocab"]);
        var unknownId = -1;
        if (node["unk_token"] is { IsNull: false } unknown && (unknownId = vocabulary.Find(unknown.AsText())) < 0)
            throw unknown.Error($"is {unknown.AsText()}, which the vocabulary does not have");
        if (type == "WordPiece")
        {
            return unknownId < 0 ? throw node["unk_token"].Error("is missing")
                : new WordPieceModel(vocabulary, unknownId, node.Text("continuing_subword_prefix", "##"),
                    node.Number("max_input_chars_per_word", 100));
        }
        if (!node["dropout"].IsNull && node.Fraction("dropout") > 0)
            throw new FedLoraException("tokenizer-unsupported", $"{node.File}: model.dropout is above 0, which makes tokenisation random.",
                "Set model.dropout to null.");
        var prefix = node.Text("continuing_subword_prefix", "");
        var options = new BpeOptions(unknownId, prefix, node.Text("end_of_word_suffix", ""), node.Flag("fuse_unk"),
            node.Flag("byte_fallback"), node.Flag("ignore_merges"));
        return new BpeModel(vocabulary, ReadMerges(node["merges"], vocabulary, prefix.Length), options);
    }

    private static Vocabulary ReadVocabulary(JsonNode node)
    {
        node.Expect(JsonValueKind.Object);
        var ids = new Dictionary<string, int>();
        foreach (var entry in node.Element.EnumerateObject())
            ids[entry.Name] = Id(node.At(entry.Value, $"{node.Path}.{entry.Name}"));
        return new Vocabulary(ids);
    }

    private static int Id(JsonNode node) =>
        node.AsNumber() is var id && id < LargestId ? id : throw node.Error($"is {node.AsNumber()}, more than any vocabulary has");

    private static MergeTable ReadMerges(JsonNode node, Vocabulary vocabulary, int prefixLength)
    {
        node.Expect(JsonValueKind.Array);
        var merges = new MergeTable(node.Element.GetArrayLength());
        foreach (var item in node.Items())
        {
            var (left, right) = ReadPair(item);
            var ids = (vocabulary.Find(left), vocabulary.Find(right),
                vocabulary.Find(left + right[Math.Min(prefixLength, right.Length)..]));
            if (ids.Item1 < 0 || ids.Item2 < 0 || ids.Item3 < 0)
                throw item.Error($"merges \"{left}\" and \"{right}\", and the vocabulary lacks one of them or their union");
            merges.Add(ids.Item1, ids.Item2, ids.Item3);
        }
        return merges;
    }

    private static (string Left, string Right) ReadPair(JsonNode item)
    {
        if (item.Element.ValueKind == JsonValueKind.Array && item.Element.GetArrayLength() == 2)
            return (item.At(item.Element[0], item.Path).AsText(), item.At(item.Element[1], item.Path).AsText());
        var parts = item.AsText().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw item.Error("should be two tokens with one space between");
    }

    private static Truncation? ReadTruncation(JsonNode node) => node.IsNull ? null : new Truncation(
        node.Number("max_length"),
        Enum.TryParse<TruncationStrategy>(node.Text("strategy", "LongestFirst"), out var strategy) ? strategy
            : throw node["strategy"].Error("is not known"),
        Direction(node));

    private static Padding? ReadPadding(JsonNode node)
    {
        if (node.IsNull)
            return null;
        var strategy = node["strategy"];
        int? length = strategy.Element.ValueKind == JsonValueKind.Object ? strategy.Number("Fixed") : null;
        int? multiple = node["pad_to_multiple_of"].IsNull ? null : node.Number("pad_to_multiple_of");
        return new Padding(length, Direction(node), multiple, node.Number("pad_id"), node.Number("pad_type_id", 0), node.Text("pad_token"));
    }

    private static Side Direction(JsonNode node) => node.Text("direction", "Right") == "Left" ? Side.Left : Side.Right;
}
