using Microsoft.EntityFrameworkCore;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Tests.SqlServer;

namespace Secrets.Infrastructure.Tests.Persistence;

/// <summary>Every INSERT would leave a column empty that the model has and the list lacks.</summary>
public sealed class ListingColumns
{
    [Fact]
    public void Every_column_of_secrets_is_listed() => Assert.Equal(Expected<Secret>(), Listed(SecretColumns.All));

    [Fact]
    public void Every_column_of_the_audit_but_the_place_in_the_chain_is_listed() =>
        Assert.Equal(Expected<AuditEntry>().Where(name => name is not ("writer (required)" or "sequence (required)")), Listed(AuditColumns.All));

    private static IEnumerable<string> Expected<T>() => SqlServerModel.Current.FindEntityType(typeof(T))!.GetProperties()
        .Select(property => Describe(property.GetColumnName(), property.IsNullable)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Listed<T>(IEnumerable<Column<T>> columns) => columns
        .Select(column => Describe(column.Name, column is SentColumn<T> { IsOptional: true })).Order(StringComparer.Ordinal);

    private static string Describe(string name, bool isOptional) => $"{name} ({(isOptional ? "optional" : "required")})";
}
