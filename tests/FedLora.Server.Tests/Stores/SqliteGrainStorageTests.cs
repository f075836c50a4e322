using FedLora.Server.Stores;
using Orleans.Storage;

namespace FedLora.Server.Tests.Stores;

public sealed class SqliteGrainStorageTests : GrainStorageSuite, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-sqlite-");
    private readonly List<SqliteDatabase> _opened = [];

    public SqliteGrainStorageTests() => Storage = Reopened();

    protected override IGrainStorage Storage { get; }

    protected override IGrainStorage Reopened()
    {
        _opened.Add(new SqliteDatabase(Path.Combine(_folder.FullName, "state.db")));
        return new SqliteGrainStorage(_opened[^1]);
    }

    public void Dispose()
    {
        _opened.ForEach(database => database.Dispose());
        _folder.Delete(recursive: true);
    }
}
