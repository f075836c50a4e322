using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>An update whose change from where the node started is scaled: start + factor (T - start), in float64, rounded once.</summary>
internal sealed class ScaledUpdate(IUpdate update, AdapterState start, double factor) : IUpdate
{
    public string Node => update.Node;

    public long Examples => update.Examples;

    public IUpdateReader Open() => new Reader(update.Open(), start, factor);

    private sealed class Reader(IUpdateReader reader, AdapterState start, double factor) : IUpdateReader
    {
        public IReadOnlyDictionary<string, int[]> Shapes => reader.Shapes;

        public void Read(string name, Span<float> values)
        {
            reader.Read(name, values);
            var origin = start[name].Values;
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)(origin[i] + (factor * ((double)values[i] - origin[i])));
        }

        public void Dispose() => reader.Dispose();
    }
}
