using FedLora.Training.Data;
using FedLora.Training.Models;

namespace FedLora.Training.Running;

/// <summary>
/// Splits a logical batch so that each piece fits into memory. Sorted by length, so that pieces hold examples of like length.
/// </summary>
public static class MicroBatches
{
    /// <summary>Rows (tokens) that go through the model at once: bounds the memory without changing the result.</summary>
    public const int RowsAtOnce = 4096;

    /// <summary>
    /// The pieces: every example once, at most <paramref name="rowsAtOnce"/> rows in each unless one example alone has more.
    /// </summary>
    public static IEnumerable<IReadOnlyList<Example>> Split(IReadOnlyList<Example> examples, Architecture model, int rowsAtOnce)
    {
        var piece = new List<Example>();
        var rows = 0;
        foreach (var example in examples.OrderByDescending(e => Rows(e, model)))
        {
            if (piece.Count > 0 && rows + Rows(example, model) > rowsAtOnce)
            {
                yield return piece;
                (piece, rows) = ([], 0);
            }
            piece.Add(example);
            rows += Rows(example, model);
        }
        if (piece.Count > 0)
            yield return piece;
    }

    /// <summary>Rows that an example takes.</summary>
    public static int Rows(Example example, Architecture model) => model.Image is { } image ? image.Patches + 1 : example.Tokens.Length;
}
