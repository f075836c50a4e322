using System.Text.Json;
using FedLora.Adapters;

namespace FedLora.Simulations.Pretraining;

/// <summary>Writes a BERT encoder with masked-token head as a Hugging Face folder.</summary>
public static class EncoderFolder
{
    /// <summary>Deviation of the embeddings' first entries, as BERT has it.</summary>
    public const double Deviation = 0.02;

    private const string WordEmbeddings = "bert.embeddings.word_embeddings.weight";
    private const string OutputBias = "cls.predictions.bias";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>
    /// Writes <c>config.json</c> and first weights: normal with deviation 0.02 for embeddings and sqrt(1 / d_in) for linear layers (LeCun
    /// et al. 1998; BERT's 0.02 for all of them is made for width 768 and leaves narrow attention without a signal for thousands of steps),
    /// biases 0, norms 1.
    /// </summary>
    /// <param name="folder">Made when missing.</param>
    /// <param name="shape">The model's size.</param>
    /// <param name="counted">Word embeddings and output bias.</param>
    /// <param name="seed">Of the normal numbers.</param>
    public static void Create(string folder, EncoderShape shape, CooccurrenceStart counted, int seed)
    {
        AtomicFile.Write(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(Config(shape), Indented) + "\n");
        var random = new Random(seed);
        Save(folder, [.. Shapes(shape).Select(entry => new AdapterTensor(entry.Name, entry.Shape, entry.Name switch
        {
            WordEmbeddings => counted.Embeddings,
            OutputBias => counted.Bias,
            _ => Start(entry.Name, entry.Shape, random),
        }))], SafetensorsDtype.F32);
    }

    /// <summary>
    /// Writes the weights. A fused tensor (names joined by <c>+</c>, rows below each other) is parted. The pooler that BERT's classifiers
    /// read through is not learnt by masked tokens; unless given, it is written as the identity, so that a classifier sees tanh of the
    /// first token.
    /// </summary>
    public static void Save(string folder, IReadOnlyList<AdapterTensor> tensors, SafetensorsDtype type,
        (float[] Weight, float[] Bias)? pooler = null)
    {
        var parted = tensors.SelectMany(Part).Where(tensor => !tensor.Name.StartsWith(Pooler, StringComparison.Ordinal)).ToList();
        var width = parted.Single(tensor => tensor.Name == "bert.embeddings.LayerNorm.weight").Shape[0];
        parted.Add(
            new AdapterTensor($"{Pooler}.weight", [width, width],
                pooler?.Weight ?? [.. Enumerable.Range(0, width * width).Select(i => i / width == i % width ? 1f : 0f)]));
        parted.Add(new AdapterTensor($"{Pooler}.bias", [width], pooler?.Bias ?? new float[width]));
        Write(folder, parted, type);
    }

    /// <summary>Writes tensors as they are.</summary>
    internal static void Write(string folder, IEnumerable<AdapterTensor> tensors, SafetensorsDtype type)
    {
        var state = new AdapterState(tensors);
        AtomicFile.Write(Path.Combine(folder, "model.safetensors"),
            stream => SafetensorsWriter.Write(state, type, bytes => stream.Write(bytes)));
    }

    private const string Pooler = "bert.pooler.dense";

    /// <summary>The tensors that one was fused of.</summary>
    internal static IEnumerable<AdapterTensor> Part(AdapterTensor tensor)
    {
        var names = tensor.Name.Split('+');
        if (names.Length == 1)
            return [tensor];
        var suffix = names[^1][names[^1].LastIndexOf('.')..];
        var (rows, length) = (tensor.Shape[0] / names.Length, tensor.Values.Length / names.Length);
        return names.Select((name, i) => new AdapterTensor(
            i == names.Length - 1 ? name : name + suffix, [rows, .. tensor.Shape[1..]], tensor.Values[(i * length)..((i + 1) * length)]));
    }

    internal static float[] Start(string name, int[] shape, Random random)
    {
        var count = AdapterTensor.Count(shape);
        if (name.EndsWith(".bias", StringComparison.Ordinal))
            return new float[count];
        if (name.EndsWith("LayerNorm.weight", StringComparison.Ordinal))
            return [.. Enumerable.Repeat(1f, count)];
        var deviation = name.Contains("embeddings", StringComparison.Ordinal) ? Deviation : 1 / Math.Sqrt(count / shape[0]);
        // Box and Muller.
        return [.. Enumerable.Range(0, count)
            .Select(
                _ => (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }

    private static List<(string Name, int[] Shape)> Shapes(EncoderShape shape)
    {
        var (width, inner) = (shape.Width, shape.Inner);
        var result = new List<(string Name, int[] Shape)>
        {
            (WordEmbeddings, [shape.Vocabulary, width]),
            ("bert.embeddings.position_embeddings.weight", [shape.MaxLength, width]),
            ("bert.embeddings.token_type_embeddings.weight", [2, width]),
            (OutputBias, [shape.Vocabulary]),
        };
        Norm("bert.embeddings.LayerNorm");
        Linear("cls.predictions.transform.dense", width, width);
        Norm("cls.predictions.transform.LayerNorm");
        for (var i = 0; i < shape.Layers; i++)
        {
            var layer = $"bert.encoder.layer.{i}";
            foreach (var part in (string[])["query", "key", "value"])
                Linear($"{layer}.attention.self.{part}", width, width);
            Linear($"{layer}.attention.output.dense", width, width);
            Norm($"{layer}.attention.output.LayerNorm");
            Linear($"{layer}.intermediate.dense", inner, width);
            Linear($"{layer}.output.dense", width, inner);
            Norm($"{layer}.output.LayerNorm");
        }
        return result;

        void Linear(string name, int dOut, int dIn)
        {
            result.Add(($"{name}.weight", [dOut, dIn]));
            result.Add(($"{name}.bias", [dOut]));
        }

        void Norm(string name)
        {
            result.Add(($"{name}.weight", [width]));
            result.Add(($"{name}.bias", [width]));
        }
    }

    private static object Config(EncoderShape shape) => new
    {
        architectures = new[] { "BertForMaskedLM" },
        attention_probs_dropout_prob = 0.1,
        hidden_act = "gelu",
        hidden_dropout_prob = 0.1,
        hidden_size = shape.Width,
        initializer_range = Deviation,
        intermediate_size = shape.Inner,
        layer_norm_eps = 1e-12,
        max_position_embeddings = shape.MaxLength,
        model_type = "bert",
        num_attention_heads = shape.Heads,
        num_hidden_layers = shape.Layers,
        pad_token_id = 0,
        type_vocab_size = 2,
        vocab_size = shape.Vocabulary,
    };
}
