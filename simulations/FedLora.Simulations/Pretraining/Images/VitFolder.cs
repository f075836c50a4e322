using System.Text.Json;
using FedLora.Adapters;
using FedLora.Training.Data.Images;

namespace FedLora.Simulations.Pretraining.Images;

/// <summary>Writes a ViT classifier of grey images as a Hugging Face folder.</summary>
internal static class VitFolder
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>
    /// Writes <c>config.json</c>, <c>preprocessor_config.json</c> and first weights: normal with deviation 0.02 for positions and class
    /// token, sqrt(1 / d_in) for linear layers, biases 0, norms 1.
    /// </summary>
    public static void Create(string folder, VitShape shape, int seed)
    {
        AtomicFile.Write(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(Config(shape), Indented) + "\n");
        AtomicFile.Write(Path.Combine(folder, ImageProcessor.FileName), JsonSerializer.Serialize(Processor(shape), Indented) + "\n");
        var random = new Random(seed);
        EncoderFolder.Write(folder,
            [.. Shapes(shape).Select(entry => new AdapterTensor(entry.Name, entry.Shape, Start(entry.Name, entry.Shape, random)))],
            SafetensorsDtype.F32);
    }

    /// <summary>Writes weights in float16; the engine keeps those of the patches as a matrix.</summary>
    public static void Save(string folder, VitShape shape, IEnumerable<AdapterTensor> tensors)
    {
        var shapes = Shapes(shape).ToDictionary(entry => entry.Name, entry => entry.Shape, StringComparer.Ordinal);
        EncoderFolder.Write(folder, tensors.SelectMany(EncoderFolder.Part).Select(tensor => tensor with { Shape = shapes[tensor.Name] }),
            SafetensorsDtype.F16);
    }

    private static float[] Start(string name, int[] shape, Random random) => name.Contains("layernorm", StringComparison.Ordinal)
        ? [.. Enumerable.Repeat(name.EndsWith(".weight", StringComparison.Ordinal) ? 1f : 0f, shape[0])]
        // Patches go through a linear layer, whatever its name.
        : EncoderFolder.Start(name.Replace("embeddings.projection", "projection", StringComparison.Ordinal)
            .Replace("vit.embeddings.patch_", "", StringComparison.Ordinal), shape, random);

    private static List<(string Name, int[] Shape)> Shapes(VitShape shape)
    {
        var (width, patches) = (shape.Width, shape.Side / shape.Patch * (shape.Side / shape.Patch));
        var result = new List<(string Name, int[] Shape)>
        {
            ("vit.embeddings.cls_token", [1, 1, width]),
            ("vit.embeddings.position_embeddings", [1, patches + 1, width]),
            ("vit.embeddings.patch_embeddings.projection.weight", [width, 1, shape.Patch, shape.Patch]),
            ("vit.embeddings.patch_embeddings.projection.bias", [width]),
        };
        for (var i = 0; i < shape.Layers; i++)
        {
            var layer = $"vit.layers.{i}";
            foreach (var part in (string[])["q_proj", "k_proj", "v_proj", "o_proj"])
                Add($"{layer}.attention.{part}", width, width);
            Add($"{layer}.mlp.fc1", shape.Inner, width);
            Add($"{layer}.mlp.fc2", width, shape.Inner);
            Add($"{layer}.layernorm_before", width);
            Add($"{layer}.layernorm_after", width);
        }
        Add("vit.layernorm", width);
        Add("classifier", shape.Classes, width);
        return result;

        void Add(string name, params int[] weight)
        {
            result.Add(($"{name}.weight", weight));
            result.Add(($"{name}.bias", [weight[0]]));
        }
    }

    private static object Config(VitShape shape) => new
    {
        architectures = new[] { "ViTForImageClassification" },
        attention_probs_dropout_prob = 0.0,
        hidden_act = "gelu",
        hidden_dropout_prob = 0.0,
        hidden_size = shape.Width,
        id2label = Enumerable.Range(0, shape.Classes).ToDictionary(i => $"{i}", i => $"{i}"),
        image_size = shape.Side,
        intermediate_size = shape.Inner,
        label2id = Enumerable.Range(0, shape.Classes).ToDictionary(i => $"{i}", i => i),
        layer_norm_eps = 1e-12,
        model_type = "vit",
        num_attention_heads = shape.Heads,
        num_channels = 1,
        num_hidden_layers = shape.Layers,
        patch_size = shape.Patch,
        qkv_bias = true,
    };

    private static object Processor(VitShape shape) => new
    {
        do_normalize = true,
        do_rescale = true,
        do_resize = true,
        image_mean = new[] { 0.5 },
        image_processor_type = "ViTImageProcessor",
        image_std = new[] { 0.5 },
        resample = 2,
        rescale_factor = 1 / 255.0,
        size = new { height = shape.Side, width = shape.Side },
    };
}
