using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Gives a matrix per adapted module: base weights, or gradients by them.</summary>
public interface IWeightSource
{
    /// <summary>Writes the module's matrix, row-major d_out x d_in (a Conv1D weight is turned round first).</summary>
    void Read(AdapterModule module, Span<float> matrix);
}
