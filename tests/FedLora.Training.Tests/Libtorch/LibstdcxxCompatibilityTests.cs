using System.Text;
using FedLora.Training.Libtorch;

namespace FedLora.Training.Tests.Libtorch;

public sealed class LibstdcxxCompatibilityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-libstdcxx-").FullName;
    private readonly string _library;
    private readonly string _old;

    public LibstdcxxCompatibilityTests()
    {
        _library = Put("package/libLibTorchSharp.so", ElfVersionNeedsTests.Library());
        _old = Put("system/libstdc++.so.6", Encoding.ASCII.GetBytes("\0GLIBCXX_3.4.30\0GLIBCXX_3.4.320\0"));
    }

    private string Cache => Path.Combine(_folder, "cache");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_older_system_loads_a_copy_and_the_package_stays_as_it_is()
    {
        File.SetLastWriteTimeUtc(_library, DateTime.UnixEpoch);
        var copy = LibstdcxxCompatibility.Loadable(_library, Cache, _old);
        Assert.StartsWith(Cache, copy, StringComparison.Ordinal);
        Assert.Equal(Path.GetFileName(_library), Path.GetFileName(copy));
        var expected = ElfVersionNeedsTests.Library();
        Assert.Equal(expected, File.ReadAllBytes(_library));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(_library));
        ElfVersionNeeds.TryWeaken(expected, "libstdc++.so.6", "GLIBCXX_3.4.32");
        Assert.Equal(expected, File.ReadAllBytes(copy));
    }

    [Fact]
    public void A_copy_is_made_once_and_mended_where_it_is_damaged()
    {
        var copy = LibstdcxxCompatibility.Loadable(_library, Cache, _old);
        var whole = File.ReadAllBytes(copy);
        File.SetLastWriteTimeUtc(copy, DateTime.UnixEpoch);
        Assert.Equal(copy, LibstdcxxCompatibility.Loadable(_library, Cache, _old));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(copy));
        File.WriteAllBytes(copy, whole[..100]);
        Assert.Equal(copy, LibstdcxxCompatibility.Loadable(_library, Cache, _old));
        Assert.Equal(whole, File.ReadAllBytes(copy));
    }

    [Fact]
    public void Several_starts_at_once_leave_one_whole_copy_and_nothing_else()
    {
        var copies = new string[8];
        Parallel.For(0, copies.Length, i => copies[i] = LibstdcxxCompatibility.Loadable(_library, Cache, _old));
        Assert.Single(copies.Distinct());
        Assert.Equal(copies[0], Assert.Single(Directory.EnumerateFiles(Cache, "*", SearchOption.AllDirectories)));
        Assert.Equal(ElfVersionNeedsTests.Library().Length, new FileInfo(copies[0]).Length);
    }

    [Fact]
    public void Where_the_system_s_libstdcxx_has_the_version_or_there_is_none_the_package_s_own_file_is_loaded()
    {
        var recent = Put("system/newer", Encoding.ASCII.GetBytes("\0GLIBCXX_3.4.32\0"));
        Assert.Equal(_library, LibstdcxxCompatibility.Loadable(_library, Cache, recent));
        Assert.Equal(_library, LibstdcxxCompatibility.Loadable(_library, Cache, null));
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void A_library_that_does_not_need_the_version_is_loaded_as_it_is()
    {
        var other = Put("package/other.so", ElfFile.Make([("libstdc++.so.6", [("GLIBCXX_3.4.30", 2)])], [0, 2], [1]));
        Assert.Equal(other, LibstdcxxCompatibility.Loadable(other, Cache, _old));
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void An_unknown_file_is_refused_and_no_copy_made()
    {
        var unknown = Put("package/unknown.so", Encoding.ASCII.GetBytes("not a library"));
        Assert.Equal("libstdcxx-too-old",
            Assert.Throws<FedLoraException>(() => LibstdcxxCompatibility.Loadable(unknown, Cache, _old)).Code);
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void A_cache_that_cannot_be_written_is_named()
    {
        var blocked = Put("blocked", []);
        var error = Assert.Throws<FedLoraException>(() => LibstdcxxCompatibility.Loadable(_library, blocked, _old));
        Assert.Equal("file-write-failed", error.Code);
        Assert.Contains(blocked, error.Message, StringComparison.Ordinal);
    }

    private string Put(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }
}
