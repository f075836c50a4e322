using System.Buffers;
using FedLora.Adapters;
using FedLora.Compression;

namespace FedLora.Grains.Federations;

/// <summary>Checks the bytes of an update before it is acknowledged.</summary>
public static class UpdateValidator
{
    /// <summary>Refuses bytes that is not what the node should have sent.</summary>
    /// <param name="bytes">The update.</param>
    /// <param name="start">The global adapter that the node started from.</param>
    /// <exception cref="RefusedException"><c>update-format</c>, <c>update-tensors</c>, <c>update-shape</c>, <c>update-not-finite</c>,
    /// <c>update-norm</c>.</exception>
    public static void Require(Stream bytes, Stream start, UpdateHeader header, UpdateExpectation expectation)
    {
        var where = $"The update of node '{header.NodeId}' for round {header.Round}";
        try
        {
            if (header.Encoding == BlobEncoding.Sparse)
            {
                RequireChange(bytes.ReadAll(), expectation, header.Round, where);
                return;
            }

            using var update = SafetensorsReader.Open(bytes, where, leaveOpen: true);
            if (update.Header.Tensors.Values.FirstOrDefault(entry => entry.Dtype != SafetensorsDtype.F32) is { } odd)
                throw new RefusedException(RefusalCodes.UpdateFormat, $"{where}: tensor '{odd.Name}' is {odd.Dtype}.", "Send float32.");
            var shapes = update.Header.Tensors.Values.ToDictionary(entry => entry.Name, entry => entry.IntShape(), StringComparer.Ordinal);
            expectation.Definition.LayoutOf(expectation.Rank).Require(shapes, expectation.Definition.SentFactors(header.Round), where);
            using var global = SafetensorsReader.Open(start, "the global adapter", leaveOpen: true);
            RequireValues(update, global, expectation.Definition.Training.MaxUpdateNorm, where);
        }
        catch (FedLoraException error)
        {
            var code = error.Code switch
            {
                "tensor-missing" or "tensor-unexpected" => RefusalCodes.UpdateTensors,
                "tensor-shape" => RefusalCodes.UpdateShape,
                _ => RefusalCodes.UpdateFormat,
            };
            throw new RefusedException(code, error.Message, error.Hint);
        }
    }

    private static void RequireChange(byte[] bytes, UpdateExpectation expectation, int round, string where)
    {
        var layout = expectation.Definition.SentLayout(round, expectation.Rank);
        Require(
            ChangeCheck.Of(SparseCodec.Decode(bytes, layout.Length, layout.Digest.Span), layout,
                expectation.Definition.Training.MaxUpdateNorm, where));
    }

    // Two tensors' memory for all of them: a coordinator checks hundreds of updates a second.
    private static void RequireValues(SafetensorsReader update, SafetensorsReader global, double maxNorm, string where)
    {
        var most = checked((int)update.Header.Tensors.Values.Max(entry => entry.ElementCount));
        var (values, start) = (ArrayPool<float>.Shared.Rent(most), ArrayPool<float>.Shared.Rent(most));
        try
        {
            Require(ChangeCheck.Of(
                update.Header.Tensors.Keys.Order(StringComparer.Ordinal).Select(name =>
                {
                    var count = (int)update.Header.Tensors[name].ElementCount;
                    update.Read(name, values.AsSpan(0, count));
                    var isThere = global.Header.Tensors.TryGetValue(name, out var entry) && entry.ElementCount == count;
                    if (isThere)
                        global.Read(name, start.AsSpan(0, count));
                    return new ChangedTensor(name, values.AsMemory(0, count), start.AsMemory(0, isThere ? count : 0));
                }), maxNorm, where));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
            ArrayPool<float>.Shared.Return(start);
        }
    }

    private static void Require(Refusal? refusal)
    {
        if (refusal is not null)
            throw RefusedException.Of(refusal);
    }
}
