namespace FedLora.Training.Data.Formats;

/// <summary>Characters that one reading may come to, unpacked: where a small file blown up beyond all measure ends, before the memory
/// does.</summary>
internal sealed class DataBudget
{
    /// <summary>What a value takes by itself, text or not: its places in the library's arrays and in ours.</summary>
    private const int Value = 16;

    private readonly string _path;
    private readonly long _most;
    private readonly CancellationToken _cancellationToken;
    private long _left;

    /// <param name="path">What is read, for the error.</param>
    /// <param name="most">How many characters.</param>
    /// <param name="cancellationToken">Ends the reading, looked at with each count.</param>
    public DataBudget(string path, long most, CancellationToken cancellationToken) =>
        (_path, _most, _left, _cancellationToken) = (path, most, most, cancellationToken);

    /// <summary>As much as there is memory for: a character takes two bytes, and is kept twice while its line is taken apart.</summary>
    public static DataBudget Of(string path, CancellationToken cancellationToken) =>
        new(path, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4, cancellationToken);

    /// <summary>Another of the same size, for what is counted by itself.</summary>
    public DataBudget Again() => new(_path, _most, _cancellationToken);

    /// <exception cref="FedLoraException"><c>data-too-large</c>.</exception>
    public void Spend(long characters)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        _left -= characters;
        if (_left < 0)
            throw new FedLoraException("data-too-large",
                $"{_path} unpacks to more than {_most} characters, for which this machine has no memory.",
                "Check that the file is what it should be, split it, or read it on a machine with more memory.");
    }

    /// <summary>Counts values before they are made.</summary>
    public void SpendValues(long count) => Spend(count > _most ? count : count * Value);
}
