using Microsoft.EntityFrameworkCore.Query;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using Microsoft.EntityFrameworkCore.SqlServer.Infrastructure.Internal;
using Microsoft.EntityFrameworkCore.SqlServer.Query.Internal;
using Microsoft.EntityFrameworkCore.Storage;

namespace Secrets.Infrastructure.Persistence.SqlServer;

/// <summary>
/// Writes <c>a = x OR a = y</c> in place of <c>a IN (x, y)</c> for binary values, which means the same. Babelfish cannot search an index for a list of binary
/// values.
/// </summary>
#pragma warning disable EF1001 // The generator of SQL Server is internal to EF Core. Its version is pinned, and the tests on a server use every query.
internal sealed class PlainSqlGenerator(
    QuerySqlGeneratorDependencies dependencies, IRelationalTypeMappingSource types, ISqlServerSingletonOptions options)
    : SqlServerQuerySqlGenerator(dependencies, types, options)
{
    protected override void GenerateIn(InExpression inExpression, bool negated)
    {
        if (inExpression is not { Values: { Count: > 1 } values, Item: { TypeMapping: { } mapping } item } || mapping.Converter?.ProviderClrType != typeof(byte[]))
        {
            base.GenerateIn(inExpression, negated);
            return;
        }

        Sql.Append("(");
        for (var place = 0; place < values.Count; place++)
        {
            Sql.Append(place == 0 ? "" : negated ? " AND " : " OR ");
            Visit(item);
            Sql.Append(negated ? " <> " : " = ");
            Visit(values[place]);
        }

        Sql.Append(")");
    }

    /// <summary>Makes the generator for each query.</summary>
    internal sealed class Factory(QuerySqlGeneratorDependencies dependencies, IRelationalTypeMappingSource types, ISqlServerSingletonOptions options)
        : IQuerySqlGeneratorFactory
    {
        public QuerySqlGenerator Create() => new PlainSqlGenerator(dependencies, types, options);
    }
}
#pragma warning restore EF1001
