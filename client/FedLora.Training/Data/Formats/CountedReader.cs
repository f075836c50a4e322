namespace FedLora.Training.Data.Formats;

/// <summary>Counts what is read, whatever reads it: a line or field without an end too.</summary>
internal sealed class CountedReader(TextReader inner, DataBudget budget) : TextReader
{
    public override int Peek() => inner.Peek();

    public override int Read()
    {
        var read = inner.Read();
        budget.Spend(read < 0 ? 0 : 1);
        return read;
    }

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        var read = inner.Read(buffer);
        budget.Spend(read);
        return read;
    }
}
