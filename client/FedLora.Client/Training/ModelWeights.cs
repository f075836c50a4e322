using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Training.Models;
using static TorchSharp.torch;

namespace FedLora.Client.Training;

/// <summary>The weights of a loaded base model, for methods that start from them (Fed-SB).</summary>
public sealed class ModelWeights(BaseModel model) : IWeightSource
{
    /// <inheritdoc/>
    public void Read(AdapterModule module, Span<float> matrix)
    {
        foreach (var projection in model.Transformer.Projections)
        {
            if (projection.Parts.FirstOrDefault(part => part.Name == module.Name) is not { } part)
                continue;
            using var off = no_grad();
            using var scope = NewDisposeScope();
            projection.Weight.Value.narrow(0, part.Offset, part.DOut).to(ScalarType.Float32).cpu().contiguous().data<float>().CopyTo(matrix);
            return;
        }
        throw new FedLoraException("adapter-module-unknown", $"the base model has no linear layer '{module.Name}'", "the layout belongs to another model");
    }
}
