using System.Text;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Text that the database compares, as its bytes in UTF-8. SQL Server takes 'a' and 'a ' for equal under every collation, and two owners
/// would be one; bytes it compares as they are (but for zeros at the end, and no text here has U+0000).
/// </summary>
internal sealed class ComparedText() : ValueConverter<string, byte[]>(text => ToStored(text), bytes => Read(bytes))
{
    /// <summary>Nothing that is compared has more than 255 code points, of at most four bytes each.</summary>
    public const int MaxLength = 4 * 255;

    /// <summary>The type of such a column.</summary>
    public const string ColumnType = "varbinary(1020)";

    public static byte[] ToStored(string text) => Encoding.UTF8.GetBytes(text);

    public static string Read(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}

/// <summary>
/// Uuids as their bytes in the order of their text. A <c>uniqueidentifier</c> sorts by its last bytes first: ids of version 7 would be scattered over
/// their index, and lists be in another order than on other databases.
/// </summary>
internal sealed class UuidBytes() : ValueConverter<Guid, byte[]>(id => ToStored(id), bytes => Read(bytes))
{
    /// <summary>The type of such a column.</summary>
    public const string ColumnType = "binary(16)";

    public static byte[] ToStored(Guid id) => id.ToByteArray(bigEndian: true);

    public static Guid Read(byte[] bytes) => new(bytes, bigEndian: true);
}

/// <summary>Moments in UTC and whole microseconds, cut and not rounded, as other databases have them.</summary>
internal sealed class WholeMicroseconds() : ValueConverter<DateTimeOffset, DateTimeOffset>(moment => ToStored(moment), moment => moment)
{
    /// <summary>Digits of a second.</summary>
    public const int Precision = 6;

    public static DateTimeOffset ToStored(DateTimeOffset moment) =>
        new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
