using FedLora.Adapters;
using FedLora.Aggregation;

namespace FedLora.Client.Trainers;

/// <summary>Reads what a site's own trainer made, and believes nothing of it.</summary>
internal static class TrainerResult
{
    // A header, and perhaps wider numbers than ours.
    private const long Spare = 1 << 20;

    /// <summary>The trained adapter.</summary>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="start">What training began with.</param>
    /// <param name="trained">What may differ from it.</param>
    /// <exception cref="FedLoraException"><c>trainer-result-invalid</c>: missing, not whole, of other shapes or another scale, not finite,
    /// or with a frozen factor changed.</exception>
    public static AdapterState Read(string folder, NodeStart start, Factors trained)
    {
        PeftFolder result;
        try
        {
            var file = new FileInfo(Path.Combine(folder, PeftFolder.ModelFile));
            if (file.Exists && file.Length > (2 * sizeof(float) * start.Adapter.ParameterCount) + Spare)
                throw Invalid($"its {PeftFolder.ModelFile} has {file.Length} bytes, many more than the adapter");
            result = PeftFolder.Read(folder);
            result.RequireFits(start.Layout, folder);
        }
        catch (FedLoraException error) when (error.Code != "trainer-result-invalid")
        {
            throw Invalid(error.Message.TrimEnd('.'), error);
        }
        var layout = result.Layout();
        foreach (var module in start.Layout.Modules)
        {
            var told = layout.Modules.Single(other => other.Name == module.Name);
            if (Math.Abs(layout.ScaleOf(told) - start.Layout.ScaleOf(module)) > 1e-6 * Math.Abs(start.Layout.ScaleOf(module)))
                throw Invalid($"module '{module.Name}' has the scale {layout.ScaleOf(told):R} instead of {start.Layout.ScaleOf(module):R}");
        }
        foreach (var tensor in result.State.Where(tensor => !trained.HasFlag(AdapterKey.Parse(tensor.Name).Factor)))
        {
            if (!tensor.Values.AsSpan().SequenceEqual(start.Adapter[tensor.Name].Values))
                throw Invalid($"tensor '{tensor.Name}' was changed, and the federation's method keeps it frozen");
        }
        return result.State;
    }

    private static FedLoraException Invalid(string what, Exception? inner = null) =>
        new("trainer-result-invalid", $"what the trainer made cannot be used: {what}",
            "mend the trainer; docs/trainer.md says what it must write", inner);
}
