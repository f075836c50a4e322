using System.Text.Json;
using FedLora.Adapters;

namespace FedLora.Benchmarks.Training;

/// <summary>A training case on disk: a Hugging Face folder with random weights, and case.json.</summary>
internal static class TrainingFolder
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
    };

    public static void Write(TrainingCase training, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(training.Config, Json));
        File.WriteAllText(Path.Combine(folder, "case.json"), JsonSerializer.Serialize(training.Job, Json));
        var random = new Random(2);
        new AdapterState(
            training.Tensors.Select(tensor => new AdapterTensor(tensor.Name, tensor.Shape, Values(tensor.Name, tensor.Shape, random))))
            .Save(Path.Combine(folder, "model.safetensors"));
    }

    public static TrainingJob ReadJob(string folder) =>
        JsonSerializer.Deserialize<TrainingJob>(File.ReadAllText(Path.Combine(folder, "case.json")), Json)
            ?? throw new JsonException("case.json is empty");

    // Norms start at one, biases at zero, everything else with standard deviation 0.02.
    private static float[] Values(string name, int[] shape, Random random)
    {
        var values = new float[shape.Aggregate(1, (count, size) => count * size)];
        if (name.EndsWith(".bias", StringComparison.Ordinal))
            return values;
        if (name.Contains("norm", StringComparison.OrdinalIgnoreCase))
        {
            Array.Fill(values, 1);
            return values;
        }

        for (var i = 0; i < values.Length; i += 2)
        {
            var radius = 0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var (sine, cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
                values[i + 1] = (float)(radius * sine);
        }

        return values;
    }
}
