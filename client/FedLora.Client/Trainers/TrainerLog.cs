namespace FedLora.Client.Trainers;

/// <summary>What a site's own trainer says, of bounded length. That it cannot be written (a full disk) ends nothing: a trainer whose words
/// nobody takes would stand still.</summary>
internal sealed class TrainerLog : IDisposable
{
    private const long Longest = 4 << 20;

    private readonly Lock _gate = new();
    private StreamWriter? _writer;
    private string _lastWords = "";

    public TrainerLog(string path) => Trying(() => _writer = new StreamWriter(path, append: false));

    /// <summary>The last line that is not empty.</summary>
    public string LastWords
    {
        get
        {
            lock (_gate)
                return _lastWords;
        }
    }

    public void Write(string line)
    {
        lock (_gate)
        {
            if (line.Trim().Length > 0)
                _lastWords = line.Trim();
            if (_writer?.BaseStream.Position < Longest)
                Trying(() => _writer.WriteLine(line));
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            Trying(() => _writer?.Dispose());
            _writer = null;
        }
    }

    private void Trying(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _writer = null;
        }
    }
}
