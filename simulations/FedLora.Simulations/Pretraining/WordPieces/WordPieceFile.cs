using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Simulations.Pretraining.WordPieces;

/// <summary>Writes a WordPiece vocabulary as a BERT tokenizer that Hugging Face's libraries load.</summary>
public static class WordPieceFile
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</summary>
    /// <param name="folder">The model's folder; made when missing.</param>
    /// <param name="pieces">The vocabulary in the order of its ids, <see cref="WordPieceTrainer.SpecialTokens"/> first.</param>
    /// <param name="maxLength">The most tokens that the model takes.</param>
    public static void Write(string folder, IReadOnlyList<string> pieces, int maxLength)
    {
        Directory.CreateDirectory(folder);
        var special = WordPieceTrainer.SpecialTokens;
        var tokenizer = new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = special.Select(
                (content, id) =>
                    new { id, content, single_word = false, lstrip = false, rstrip = false, normalized = false, special = true }),
            normalizer = new
            {
                type = "BertNormalizer",
                clean_text = true,
                handle_chinese_chars = true,
                strip_accents = (bool?)null,
                lowercase = true,
            },
            pre_tokenizer = new { type = "BertPreTokenizer" },
            post_processor = new
            {
                type = "TemplateProcessing",
                single = new[] { Special("[CLS]", 0), Sequence("A", 0), Special("[SEP]", 0) },
                pair = new[] { Special("[CLS]", 0), Sequence("A", 0), Special("[SEP]", 0), Sequence("B", 1), Special("[SEP]", 1) },
                special_tokens = special.Where(token => token is "[CLS]" or "[SEP]")
                    .ToDictionary(token => token,
                        token => new { id = token, ids = new[] { special.ToList().IndexOf(token) }, tokens = new[] { token } }),
            },
            decoder = new { type = "WordPiece", prefix = "##", cleanup = true },
            model = new
            {
                type = "WordPiece",
                unk_token = "[UNK]",
                continuing_subword_prefix = "##",
                max_input_chars_per_word = 100,
                vocab = pieces.Select((piece, id) => (piece, id)).ToDictionary(entry => entry.piece, entry => entry.id),
            },
        };
        AtomicFile.Write(Path.Combine(folder, "tokenizer.json"), JsonSerializer.Serialize(tokenizer, Indented) + "\n");
        var config = new
        {
            tokenizer_class = "BertTokenizer",
            do_lower_case = true,
            model_max_length = maxLength,
            pad_token = "[PAD]",
            unk_token = "[UNK]",
            cls_token = "[CLS]",
            sep_token = "[SEP]",
            mask_token = "[MASK]",
        };
        AtomicFile.Write(Path.Combine(folder, "tokenizer_config.json"), JsonSerializer.Serialize(config, Indented) + "\n");
    }

    private static Dictionary<string, object> Special(string id, int type) => new() { ["SpecialToken"] = new { id, type_id = type } };

    private static Dictionary<string, object> Sequence(string id, int type) => new() { ["Sequence"] = new { id, type_id = type } };
}
