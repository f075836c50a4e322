using FedLora.Adapters;

namespace FedLora.Training.Merging;

/// <summary>One tensor of a merged model: what it is called, and what writes it.</summary>
/// <param name="Name">As transformers finds it.</param>
/// <param name="Type">As it is stored, the base model's.</param>
/// <param name="Shape">As it is stored.</param>
/// <param name="File">The base model's file that it is of.</param>
/// <param name="Write">Writes its bytes, in order.</param>
internal sealed record MergedTensor(
    string Name, SafetensorsDtype Type, long[] Shape, string File, Action<SafetensorsWriter.Sink, CancellationToken> Write)
{
    /// <summary>Its length in bytes.</summary>
    public long ByteCount => SafetensorsEntry.SizeOf(Type) * Shape.Aggregate(1L, (n, size) => n * size);
}
