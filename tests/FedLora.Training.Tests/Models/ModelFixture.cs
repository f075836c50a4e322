using FedLora.Adapters;
using FedLora.Tests;
using FedLora.Training.Blocks;
using FedLora.Training.Data;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Training.Tests.Models;

/// <summary>One folder of <c>fixtures/models</c>: a tiny model, its inputs, and what transformers and PEFT compute from them.</summary>
public sealed class ModelFixture : IDisposable
{
    /// <summary>Largest difference allowed, relative to the largest entry of the tensor.</summary>
    public const double Tolerance = 1e-4;

    public ModelFixture(string name, string config = "config.json", string? variant = null)
    {
        Folder = Fixtures.PathOf("models", name);
        Model = BaseModel.Load(variant is null ? Folder : Path.Combine(Folder, variant), new LoadOptions { ConfigFile = config });
        Expected = SafetensorsFile.Open(Path.Combine(Folder, "expected.safetensors"));
        Examples = ReadExamples(Path.Combine(Folder, "inputs.safetensors"), Model.Architecture);
    }

    public static IEnumerable<string> Names =>
        Fixtures.Folders("models").Where(n => File.Exists(Fixtures.PathOf("models", n, "expected.safetensors")));

    public string Folder { get; }

    public BaseModel Model { get; }

    public Transformer Transformer => Model.Transformer;

    public SafetensorsFile Expected { get; }

    public IReadOnlyList<Example> Examples { get; }

    public float[] Values(string key) => Expected.ReadFloats(key);

    /// <summary>Logits as in the fixture: padded places are NaN.</summary>
    public float[] Logits(bool dropPadding = true)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var batch = Transformer.Pack(Examples);
        var pooled = Model.Architecture.Task == ModelTask.Classification;
        var rows = pooled ? Labels.Pooled(batch, Model.Architecture, CPU) : RowSet.All(batch);
        var logits = Transformer.Logits(new Pass(batch), rows);
        var (width, longest) = ((int)logits.shape[1], pooled ? 1 : batch.Lengths.Max());
        var (values, result) = (logits.data<float>().ToArray(), new float[Examples.Count * longest * width]);
        Array.Fill(result, dropPadding ? float.NaN : 0);
        for (int i = 0, row = 0; i < rows.Counts.Count; row += rows.Counts[i++])
            values.AsSpan(row * width, rows.Counts[i] * width).CopyTo(result.AsSpan(batch.Order[i] * longest * width));
        return result;
    }

    /// <summary>Mean loss over all labels, and each example's own in the fixture's order.</summary>
    public (double Loss, float[] Each) Loss()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var batch = Transformer.Pack(Examples);
        var labels = Labels.Of(batch, Model.Architecture, CPU);
        var (loss, rowLosses) = Objective.Run(Transformer, new Pass(batch), labels, full([labels.Count], 1.0 / labels.Count));
        var packed = Objective.PerExample(rowLosses, labels.Rows.Counts);
        var each = new float[packed.Length];
        for (var i = 0; i < each.Length; i++)
            each[batch.Order[i]] = packed[i];
        return (loss.item<float>(), each);
    }

    /// <summary>
    /// Fails where an entry differs by more than the tolerance times the largest entry; NaN entries of the actual values are not compared.
    /// </summary>
    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what, double tolerance = Tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var (largest, worst, compared) = (0.0, 0.0, 0);
        for (var i = 0; i < expected.Length; i++)
        {
            if (float.IsNaN(actual[i]))
                continue;
            compared++;
            largest = Math.Max(largest, Math.Abs(expected[i]));
            worst = Math.Max(worst, Math.Abs((double)expected[i] - actual[i]));
        }
        Assert.True(compared > 0, $"{what}: nothing to compare");
        Assert.True(worst <= tolerance * largest, $"{what}: off by {worst / largest:E2} of the largest entry {largest:G4}");
    }

    public void Dispose()
    {
        Model.Dispose();
        Expected.Dispose();
    }

    private static Example[] ReadExamples(string path, Architecture model)
    {
        using var file = SafetensorsFile.Open(path);
        var labels = Integers(file, "labels")!;
        if (model.Image is not null)
        {
            var pixels = file.ReadFloats("pixel_values");
            var size = pixels.Length / labels.Length;
            return [.. labels.Select((label, i) => new Example([]) { Pixels = () => pixels[(i * size)..((i + 1) * size)], Class = label })];
        }
        var (tokens, mask, types) = (Integers(file, "input_ids")!, Integers(file, "attention_mask")!, Integers(file, "token_type_ids"));
        var longest = (int)file.Entry("input_ids").Shape[1];
        return
        [
            .. Enumerable.Range(0, tokens.Length / longest).Select(i =>
            {
                var (start, length) = (i * longest, mask.AsSpan(i * longest, longest).Count(1));
                var perToken = labels.Length == tokens.Length;
                return new Example(tokens[start..(start + length)])
                {
                    TokenTypes = types?[start..(start + length)],
                    Labels = perToken ? labels[start..(start + length)] : null,
                    Class = perToken ? null : labels[i],
                };
            }),
        ];
    }

    private static int[]? Integers(SafetensorsFile file, string name) =>
        file.Tensors.ContainsKey(name) ? [.. file.ReadFloats(name).Select(v => (int)v)] : null;
}
